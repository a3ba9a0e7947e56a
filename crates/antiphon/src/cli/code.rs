//! What a response code means.

use antiphon_agent::Codes;
use clap::Args;

/// Says what a response code means, who sends it, what Antiphon does, and what to do next
///
/// Without an argument all codes are listed. A code that is not registered is told by its class.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon code              all codes\n  \
    antiphon code 4xx          a class\n  \
    antiphon code 486          everything about one\n  \
    antiphon code timeout      when nothing comes\n\n\
    'Again' is a new transaction to the same server, 'moved' one to the new address, 'soft state'\n\
    what REGISTER, SUBSCRIBE and PUBLISH refresh; sections without an RFC are those of RFC 3261.")]
pub(crate) struct Code {
    /// A code (404), a class (4xx or 4), timeout or transport-error
    #[arg(value_name = "CODE | CLASS")]
    pub(crate) codes: Option<Codes>,
    /// One JSON object a code on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// The page of the documentation
    #[arg(long, hide = true, conflicts_with_all = ["codes", "json"])]
    pub(crate) markdown: bool,
}
