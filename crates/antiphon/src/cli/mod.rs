//! What can be typed. These definitions are the help, the completions and the manual pages at once.

pub(crate) mod client;
pub(crate) mod code;
pub(crate) mod configuration;
pub(crate) mod error;
pub(crate) mod line;
pub(crate) mod manner;
pub(crate) mod remembered;
pub(crate) mod server;
pub(crate) mod value;

use clap::{Parser, Subcommand};

/// A SIP system in one program: a server, and a user agent for people and scripts.
#[derive(Debug, Parser)]
#[command(
    name = "antiphon",
    version,
    max_term_width = 100,
    after_help = "EXAMPLE\n  \
        antiphon serve                          a server on this machine, with two accounts\n  \
        antiphon demo                           what it looks like: seven calls with their ladders\n  \
        antiphon call sip:bob@127.0.0.1         a call\n\n\
        EXIT STATUS\n  \
        0 the request succeeded; 3, 4, 5, 6 the final answer was of that class; 8 no answer at all;\n  \
        2 the command line or the configuration was wrong; 1 anything else"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(server::Serve),
    Check(configuration::Check),
    Route(configuration::Route),
    User(server::User),
    Bans(server::Bans),
    Call(client::Call),
    Answer(client::Answer),
    Register(client::Register),
    Options(client::Options),
    Message(client::Message),
    Publish(client::Publish),
    Subscribe(client::Subscribe),
    Remembered(remembered::Remembered),
    Code(code::Code),
    Demo(client::Demo),
    /// Writes a completion script for a shell to standard output
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Writes the manual pages into a directory
    #[command(hide = true)]
    Man {
        /// The directory
        directory: std::path::PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        let mut command = Cli::command();
        command.build();
        for shown in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            if shown.get_name() == "help" {
                continue;
            }
            let help = shown.get_after_help().map(ToString::to_string).unwrap_or_default();
            let call = format!("antiphon {}", shown.get_name());
            assert!(help.starts_with("EXAMPLE") && help.contains(&call), "{call}: {help}");
        }
    }
}
