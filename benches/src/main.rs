//! What `cargo xtask bench` runs beside the servers that it compares: a relay and a registrar
//! that only receive and send (the floor), the loads, and what fills a data directory.
//!
//! Every subcommand prints its results as lines of a name and a value, and ends by itself or when
//! its standard input ends.

use std::process::ExitCode;

use mimalloc::MiMalloc;

use crate::arguments::Arguments;
use crate::fault::Fault;

mod arguments;
mod calls;
mod clock;
mod connections;
mod digest;
mod enrol;
mod fault;
mod fill;
mod histogram;
mod micro;
mod peer;
mod registrar;
mod registrations;
mod relay;
mod repeats;
mod template;
mod text;
mod udp;
mod workers;

/// That of the program, so that `workers` measures with the same.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const HELP: &str = "\
antiphon-benches <what> [--name value]...

  relay          --listen PORT --callee PORT
  registrar      --listen PORT --journal FILE
  calls          --server PORT --callee PORT --rate N --calls N [--users N] [--open N] [--patience S]
  registrations  --server PORT --contact PORT --rate N --count N --users N [--algorithm md5|sha-256]
  connections    --server PORT --count N       (holds them until standard input ends)
  peer           --server PORT --transport tcp|ws --reads true|false --rate N
                 (asks until standard input ends)
  fill           --data DIR --accounts N --contacts N --server PORT --contact PORT
  workers        --calls N [--threads N]
  micro          --what NAME --times N

All addresses are 127.0.0.1.";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_default();
    let outcome = Arguments::parse(words).and_then(|arguments| run(&what, &arguments));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("antiphon-benches: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(what: &str, arguments: &Arguments) -> Result<(), Fault> {
    match what {
        "relay" => relay::run(arguments),
        "registrar" => registrar::run(arguments),
        "calls" => calls::run(arguments),
        "registrations" => registrations::run(arguments),
        "connections" => connections::run(arguments),
        "peer" => peer::run(arguments),
        "fill" => fill::run(arguments),
        "micro" => micro::run(arguments),
        "workers" => workers::run(arguments),
        _ => Err(Fault::usage(HELP)),
    }
}
