//! Parsing and writing one message: the bench of `crates/sip`.

use crate::bench::context::Context;
use crate::bench::report::Section;
use crate::failure::Failure;
use crate::run;

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let mut arguments = vec!["bench", "--quiet", "-p", "antiphon-sip", "--bench", "parse"];
    arguments.extend(["--profile", "release"]);
    if context.is_quick {
        arguments.extend(["--", "--quick"]);
    }
    let output = run::cargo_output(&context.root, &arguments)?;
    let cases: Vec<Case<'_>> = output.lines().filter_map(Case::parse).collect();
    let rsip = rsip(context)?;
    let how = "The 809-octet INVITE of the bench `parse` of `crates/sip`: the best of many rounds. rsip \
        0.4 does the work of `parse` in `benches/rsip`.";
    let mut section = Section::new("Parse and write", how, &["what", "ns", "about"]);
    for case in &cases {
        section.row([
            case.name.to_owned(),
            format!("{:.0}", case.nanoseconds),
            case.about.to_owned(),
        ]);
    }
    if let Some(nanoseconds) = rsip {
        let about = "a Request, and the same read from it";
        section.row(["rsip".to_owned(), format!("{nanoseconds:.0}"), about.to_owned()]);
    }
    let time = |name| {
        let found = cases.iter().find(|case| case.name == name);
        found.map_or(f64::NAN, |case| case.nanoseconds)
    };
    let ratio = time("parse") / time("httparse");
    section.at_most("3. parse against httparse", ratio, 1.6, " ×");
    if let Some(nanoseconds) = rsip {
        section.at_least("3. rsip against parse", nanoseconds / time("parse"), 10.0, " ×");
    }
    // The copy exists only so that every turn edits the same message.
    let written = time("edit") - time("clone");
    section.at_most("3. editing and writing the forwarded request", written, 250.0, " ns");
    Ok(section)
}

/// The nanoseconds of rsip. A brief run does without: it would have to build what nothing else of
/// the project needs.
fn rsip(context: &Context) -> Result<Option<f64>, Failure> {
    if context.is_quick {
        return Ok(None);
    }
    let manifest = "benches/rsip/Cargo.toml";
    let mut arguments = vec!["run", "--quiet", "--release", "--manifest-path", manifest];
    arguments.extend(["--target-dir", "target/rsip"]);
    let output = run::cargo_output(&context.root, &arguments)?;
    Ok(output.trim().strip_prefix("rsip ").and_then(|number| number.parse().ok()))
}

/// A line of that bench: time, unit, name, explanation.
struct Case<'a> {
    nanoseconds: f64,
    name: &'a str,
    about: &'a str,
}

impl<'a> Case<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (time, rest) = line.trim().split_once(" ns ")?;
        let (name, about) = rest.trim().split_once(' ')?;
        Some(Self { nanoseconds: time.trim().parse().ok()?, name, about: about.trim() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_bench_is_time_name_and_explanation() {
        let case = Case::parse("     312.4 ns  parse      with top Via and tags").unwrap();
        assert_eq!((case.name, case.about), ("parse", "with top Via and tags"));
        assert!((case.nanoseconds - 312.4).abs() < 1e-9);
        assert!(Case::parse("parse / httparse = 1.5").is_none());
    }
}
