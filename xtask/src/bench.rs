//! `cargo xtask bench`: the bare relay, Debian's Kamailio and Antiphon side by side.
//!
//! A whole run judges the marks and writes docs/benchmarks.md. `--quick` runs everything once and
//! briefly and judges nothing: it shows that the benches still work. `--only NAME` runs one.

use std::path::Path;

use crate::failure::Failure;
use crate::packages;

mod context;
mod figures;
mod folder;
mod highest;
mod kind;
mod load;
mod machine;
mod process;
mod report;
mod runs;
mod servers;

use context::Context;
use report::{Report, Section};

/// A bench: what it is called on the command line, and what it does.
struct Bench {
    name: &'static str,
    run: fn(&mut Context) -> Result<Section, Failure>,
}

const BENCHES: [Bench; 12] = [
    Bench { name: "calls", run: runs::calls::run },
    Bench { name: "registrations", run: runs::registrations::run },
    Bench { name: "micro", run: runs::micro::run },
    Bench { name: "memory", run: runs::memory::run },
    Bench { name: "growth", run: runs::growth::run },
    Bench { name: "workers", run: runs::workers::run },
    Bench { name: "latency", run: runs::latency::run },
    Bench { name: "start", run: runs::start::run },
    Bench { name: "overload", run: runs::overload::run },
    Bench { name: "stalled", run: runs::stalled::run },
    Bench { name: "sipp", run: runs::sipp::run },
    Bench { name: "instructions", run: runs::instructions::run },
];

/// Runs what the words after `bench` ask for.
pub(crate) fn run(root: &Path, words: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(words)?;
    packages::ensure_for_benches()?;
    let mut context = Context::new(root, options.is_quick)?;
    let mut report = Report::new(root);
    for bench in BENCHES.iter().filter(|bench| options.wants(bench.name)) {
        println!("==> {}", bench.name);
        let section = (bench.run)(&mut context)?;
        print!("{}", section.to_markdown());
        report.push(section);
    }
    if options.is_quick || !options.only.is_empty() {
        println!("nothing is written: docs/benchmarks.md comes from a whole run");
        return Ok(());
    }
    report.write()
}

#[derive(Debug, Default)]
struct Options {
    is_quick: bool,
    only: Vec<String>,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match (*word, words.as_slice().first()) {
                ("--quick", _) => options.is_quick = true,
                ("--only", Some(name)) if BENCHES.iter().any(|bench| bench.name == *name) => {
                    options.only.push((*name).to_owned());
                    words.next();
                }
                _ => {
                    let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
                    return Err(Failure::usage(format!(
                        "cargo xtask bench [--quick] [--only NAME]..., where NAME is one of {}",
                        names.join(", ")
                    )));
                }
            }
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bench_may_be_chosen_by_its_name() {
        let options = Options::parse(&["--only", "calls", "--quick"]).unwrap();
        assert!(options.is_quick && options.wants("calls") && !options.wants("memory"));
        assert!(Options::parse(&["--only", "nothing"]).is_err());
        assert!(Options::parse(&["--only"]).is_err());
    }
}
