//! Each command becomes the options of the room that does it.

mod bans;
mod check;
mod client;
mod code;
mod data;
mod demo;
mod manual;
mod remembered;
mod route;
mod serve;
mod trunks_told;
mod user;

use std::process::ExitCode;

use antiphon_agent::{Ending, Failure};

use crate::cli::Command;
use crate::fault::Fault;

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<ExitCode, Fault> {
    match command {
        Command::Serve(serve) => block_on(serve::run(serve)),
        Command::Check(check) => check::run(check),
        Command::Route(route) => route::run(route),
        Command::User(user) => user::run(user),
        Command::Bans(bans) => bans::run(bans),
        Command::Call(call) => block_on(client::call(call)),
        Command::Answer(answer) => block_on(client::answer(answer)),
        Command::Register(register) => block_on(client::register(register)),
        Command::Options(options) => block_on(client::options(options)),
        Command::Message(message) => block_on(client::message(message)),
        Command::Publish(publish) => block_on(client::publish(publish)),
        Command::Subscribe(subscribe) => block_on(client::subscribe(subscribe)),
        Command::Remembered(remembered) => remembered::run(remembered),
        Command::Code(code) => Ok(code::run(code)),
        Command::Demo(demo) => block_on(demo::run(demo)),
        Command::Completions { shell } => Ok(manual::completions(shell)),
        Command::Man { directory } => manual::pages(&directory),
    }
}

/// Agents and servers each belong to one thread.
fn block_on(work: impl Future<Output = Result<ExitCode, Fault>>) -> Result<ExitCode, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Fault::Runtime)?;
    let ended = runtime.block_on(work);
    // A look-up of a name that still waits for its answer keeps nobody.
    runtime.shutdown_background();
    ended
}

fn status(ending: Result<Ending, Failure>) -> Result<ExitCode, Fault> {
    Ok(ExitCode::from(ending?.exit_status()))
}
