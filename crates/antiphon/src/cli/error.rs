//! A command line that cannot be read: one line that says what to do.

use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::fault::Fault;
use crate::terminal;

/// Shows what was asked for (help, version), or gives the fault.
pub(crate) fn settle(error: &clap::Error) -> Result<ExitCode, Fault> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            terminal::print(&error.render().to_string());
            Ok(ExitCode::SUCCESS)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let help = error.render().to_string();
            Err(Fault::CommandLine(Line::new("a command is missing", &help)))
        }
        _ => Err(Fault::CommandLine(Line::of(&error.render().to_string()))),
    }
}

/// What is wrong with a command line, in one line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line(Box<str>);

impl Line {
    /// From a rendered error: its first paragraph, its tips, and where to read more.
    fn of(rendered: &str) -> Self {
        let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
        let mut words: Vec<&str> = Vec::new();
        words.extend(text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim));
        let tips = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
        let mut line = words.join(" ");
        for tip in tips {
            line.push_str("; ");
            line.push_str(tip);
        }
        Self::new(&line, text)
    }

    /// The fault, and where to read more: the help of the command whose usage is in `text`.
    fn new(fault: &str, text: &str) -> Self {
        Self(format!("{fault}; see '{} --help'", command(text)).into())
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The command whose usage the error shows.
fn command(text: &str) -> String {
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("antiphon");
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    usage.split_whitespace().take_while(is_word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn line(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from(arguments).unwrap_err();
        settle(&error).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_command_line_is_one_line() {
        for (arguments, says) in [
            (&["antiphon"][..], "a command is missing"),
            (&["antiphon", "sing"], "'sing'"),
            (&["antiphon", "call"], "<URI>"),
            (&["antiphon", "call", "not a uri"], "not a uri"),
            (&["antiphon", "call", "a@b", "--transport", "tls"], "not built into this version"),
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
        assert_eq!(line(&["antiphon", "user"]), "a command is missing; see 'antiphon user --help'");
    }
}
