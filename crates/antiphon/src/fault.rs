//! What keeps a command from being done: one line for standard error, and an exit status.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use antiphon_agent::Failure;
use antiphon_agent::script::Faults;
use antiphon_server::QuestionError;
use antiphon_server::ServeError;
use antiphon_server::config::Finding;
use antiphon_server::guard::Source;
use antiphon_sip::UriBuf;
use antiphon_store::{AccountError, BanError, RememberedError};

use crate::cli::line::Line;
use crate::cli::value::AccountName;
use crate::finding::Told;

/// A command that was not done.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The command line cannot be read.
    CommandLine(Line),
    /// A Contact where no response takes one.
    IdleContact,
    /// Keys without certificates, or the other way round.
    UnpairedKeys,
    /// Two keys with one certificate.
    SameCertificate,
    /// A script cannot be read from its file.
    ScriptFile(PathBuf, io::Error),
    /// A script has lines that are not understood.
    Script(PathBuf, Faults),
    /// What is to be published cannot be read.
    BodyFile(PathBuf, io::Error),
    /// A publication without a state.
    PublishesNothing,
    /// A removal of nothing in particular.
    RemovesNothing,
    /// All bindings can only be removed.
    BindsEverything,
    /// There is no place for the data directory.
    NoDataDirectory,
    /// There is no place for the state directory.
    NoStateDirectory,
    /// The remembered addresses cannot be read or changed.
    Remembered(RememberedError),
    /// An address to be forgotten that is not remembered.
    NotRemembered(UriBuf),
    /// An account cannot be changed.
    Account(AccountName, AccountError),
    /// The accounts cannot be read.
    Accounts(AccountError),
    /// The bans cannot be read or changed.
    Bans(BanError),
    /// A ban to be lifted that there is not.
    NotBanned(Source),
    /// A password cannot be asked for.
    Password(io::Error),
    /// The system gives no random numbers.
    Random,
    /// The server cannot run.
    Serve(ServeError),
    /// The agent cannot run.
    Agent(Failure),
    /// The server of the demonstration has no UDP listener.
    NoListener,
    /// A configuration cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A configuration has so many faults.
    Faulty(PathBuf, usize),
    /// A server does not run by a configuration, for these reasons.
    Refused(PathBuf, Vec<Finding>),
    /// A configuration has no trunk of this name.
    NoTrunk(String),
    /// A question is not one about a request.
    Question(QuestionError),
    /// A manual page cannot be written.
    Manual(PathBuf, io::Error),
    /// The process cannot wait for anything.
    Runtime(io::Error),
}

impl Fault {
    /// 2 when another command line would help, otherwise 1.
    pub(crate) fn exit_status(&self) -> ExitCode {
        let status = match self {
            Self::Agent(failure) => failure.exit_status(),
            Self::Random
            | Self::Runtime(_)
            | Self::NoListener
            | Self::Remembered(RememberedError::Busy)
            | Self::Bans(BanError::Busy)
            | Self::Account(_, AccountError::Busy | AccountError::Failed(_))
            | Self::Accounts(AccountError::Busy | AccountError::Failed(_))
            | Self::Serve(ServeError::Io(_) | ServeError::NoRandomness) => 1,
            _ => 2,
        };
        ExitCode::from(status)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(line) => line.fmt(f),
            Self::IdleContact => f.write_str(
                "--contact says where else to call: add a code of 300 to 399 or 485 to --respond",
            ),
            Self::UnpairedKeys => f.write_str(
                "--identity-key and --identity-url go in pairs: give as many of one as of the other",
            ),
            Self::SameCertificate => f.write_str(
                "two --identity-url are the same: another key, or another place of the certificate, \
                 has another address",
            ),
            Self::ScriptFile(path, error) | Self::BodyFile(path, error) => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::Script(path, faults) => write!(f, "{}: {faults}", path.display()),
            Self::PublishesNothing => f.write_str(
                "there is nothing to publish: give --body FILE (only presence has a state by itself)",
            ),
            Self::RemovesNothing => f.write_str(
                "--expires 0 removes a binding: say which with --contact URI, or all with \
                 --contact '*'",
            ),
            Self::BindsEverything => {
                f.write_str("--contact '*' means all bindings, to remove them: add --expires 0")
            }
            Self::NoDataDirectory => f.write_str(
                "neither XDG_DATA_HOME nor HOME says where the data directory is: give --data DIR",
            ),
            Self::NoStateDirectory => f.write_str(
                "neither XDG_STATE_HOME nor HOME says where the state directory is: give --state DIR",
            ),
            Self::Remembered(error) => error.fmt(f),
            Self::NotRemembered(old) => {
                write!(f, "{old} is not remembered: list what is with 'antiphon remembered list'")
            }
            Self::Account(name, error) => write!(f, "{name}: {error}"),
            Self::Accounts(error) => error.fmt(f),
            Self::Bans(error) => error.fmt(f),
            Self::NotBanned(source) => {
                write!(f, "{source} is not banned: list who is with 'antiphon bans list'")
            }
            Self::Password(error) => {
                write!(f, "the password cannot be asked for ({error}): give --password")
            }
            Self::Random => f.write_str("the system gives no random numbers"),
            Self::Serve(error) => error.fmt(f),
            Self::Agent(failure) => failure.fmt(f),
            Self::NoListener => f.write_str("the server of the demonstration does not listen"),
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::Faulty(path, faults) => {
                let (path, noun) = (path.display(), if *faults == 1 { "fault" } else { "faults" });
                write!(f, "{path} has {faults} {noun}; see 'antiphon check {path}'")
            }
            Self::Refused(file, findings) => {
                write!(f, "the server does not run by {}:", file.display())?;
                let told = findings.iter().map(|finding| Told { file, is_warning: false, finding });
                told.into_iter().try_for_each(|told| write!(f, "\n{told}"))
            }
            Self::NoTrunk(name) => write!(f, "the configuration has no trunk '{name}'"),
            Self::Question(error) => error.fmt(f),
            Self::Manual(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
            Self::Runtime(error) => write!(f, "the system lets nothing be awaited: {error}"),
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Agent(failure)
    }
}

impl From<ServeError> for Fault {
    fn from(error: ServeError) -> Self {
        Self::Serve(error)
    }
}
