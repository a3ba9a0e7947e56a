//! How long a message takes through the server.

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

#[derive(Debug)]
struct Row {
    kind: Kind,
    median: Figure,
    slow: Figure,
    slowest: Figure,
}

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let rate = context.highest_rate(Kind::Antiphon)? / 2;
    let row = |kind| {
        let (median, slow, slowest) = (Figure::default(), Figure::default(), Figure::default());
        Row { kind, median, slow, slowest }
    };
    let mut rows = Kind::ALL.map(row);
    for _ in 0..context.rounds() {
        for row in &mut rows {
            let _server = context.serve(row.kind, &Setup::default())?;
            let results = context.load.calls(rate, rate * context.seconds(), context.users())?;
            row.median.add(results.number("through_median_us")?);
            row.slow.add(results.number("through_p99_us")?);
            row.slowest.add(results.number("through_max_us")?);
        }
    }
    let how = format!(
        "From one end's send to the other's receive, all six messages that a proxy \
        forwards, at {rate} calls a second: half of Antiphon's highest rate."
    );
    let heads = ["server", "median µs", "99th percentile µs", "largest µs"];
    let mut section = Section::new("Latency", how, &heads);
    for row in &rows {
        let cells = [&row.median, &row.slow, &row.slowest].map(ToString::to_string);
        section.row([row.kind.name().to_owned()].into_iter().chain(cells));
    }
    let [relay, _, ours] = &rows;
    let ratio = ours.median.median() / relay.median.median();
    section.at_most("7. median through the proxy against the bare relay", ratio, 1.5, " ×");
    section.at_most("7. 99th percentile through the proxy", ours.slow.median() / 1e3, 2.0, " ms");
    Ok(section)
}
