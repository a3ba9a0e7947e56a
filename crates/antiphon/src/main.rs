//! The command line of Antiphon: reads it, calls the room that does it, and tells the exit status.
//!
//! [`cli`] is what can be typed, [`run`] how each command becomes the options of its room.

mod cli;
mod fault;
mod finding;
mod memory;
mod run;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// Chosen by measurement: docs/decisions/0008-allocator.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    memory::forgo_huge_pages();
    let ended = match cli::Cli::try_parse() {
        Ok(cli) => run::run(cli.command),
        Err(error) => {
            let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
            cli::error::settle(&error, &typed.collect::<Vec<_>>())
        }
    };
    ended.unwrap_or_else(|fault| {
        terminal::complain(&fault);
        fault.exit_status()
    })
}
