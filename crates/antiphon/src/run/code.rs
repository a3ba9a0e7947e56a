//! Response codes.

use std::process::ExitCode;

use antiphon_agent::Codes;

use crate::cli::code::Code;
use crate::terminal;

pub(crate) fn run(code: Code) -> ExitCode {
    if code.markdown {
        terminal::print(&antiphon_agent::codes_as_markdown());
        return ExitCode::SUCCESS;
    }
    let codes = code.codes.unwrap_or(Codes::All);
    let reporter = terminal::reporter(code.json);
    ExitCode::from(antiphon_agent::code(codes, terminal::columns(), &reporter).exit_status())
}
