//! A command line that cannot be read: one line that says what to do.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::Cli;
use super::line::Line;
use crate::fault::Fault;
use crate::terminal;

/// Shows what was asked for (help, version), or gives the fault. `typed` is what stands behind the
/// name of the program.
pub(crate) fn settle(error: &clap::Error, typed: &[String]) -> Result<ExitCode, Fault> {
    let command = command(typed);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            terminal::print(&error.render().to_string());
            Ok(ExitCode::SUCCESS)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Err(Fault::CommandLine(Line::new("a command is missing", &command)))
        }
        _ => Err(Fault::CommandLine(Line::of(&error.render().to_string(), &command))),
    }
}

/// The command that was meant, as far as it was typed.
fn command(typed: &[String]) -> String {
    let mut meant = Cli::command();
    let mut name = meant.get_name().to_owned();
    for word in typed {
        let Some(next) = meant.find_subcommand(word) else { break };
        name.push(' ');
        name.push_str(word);
        meant = next.clone();
    }
    name
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn line(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from(arguments).unwrap_err();
        let typed: Vec<_> = arguments.iter().skip(1).map(ToString::to_string).collect();
        settle(&error, &typed).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_command_line_is_one_line() {
        for (arguments, says) in [
            (&["antiphon"][..], "a command is missing"),
            (&["antiphon", "sing"], "'sing'"),
            (&["antiphon", "call"], "<URI>"),
            (&["antiphon", "call", "not a uri"], "not a uri"),
            (&["antiphon", "call", "a@b", "--transport", "sctp"], "sctp"),
            (&["antiphon", "serve", "--no-such-flag"], "--no-such-flag"),
            (&["antiphon", "serve", "--listen", "pigeon:1.2.3.4:5"], "pigeon:1.2.3.4:5"),
            (&["antiphon", "answer", "--count", "0"], "0"),
        ] {
            let line = line(arguments);
            assert!(line.contains(says), "{line}");
            assert!(!line.contains('\n'), "{line}");
            assert!(line.ends_with("--help'"), "{line}");
        }
    }

    #[test]
    fn it_names_the_help_of_the_command() {
        assert!(line(&["antiphon", "user", "add"]).ends_with("see 'antiphon user add --help'"));
        assert!(line(&["antiphon", "call", "x y"]).ends_with("see 'antiphon call --help'"));
        assert_eq!(line(&["antiphon", "user"]), "a command is missing; see 'antiphon user --help'");
    }
}
