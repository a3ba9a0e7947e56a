//! Five times as many calls as one core can do.

use std::thread;
use std::time::Duration;

use crate::bench::context::{Context, is_clean};
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

const TIMES: u32 = 5;

/// After so long everything is to be as it was.
const RECOVERY: Duration = Duration::from_secs(2);

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let how = "The highest rate is the last at which nothing was lost; the peak is the most that was \
        completed in a second at any rate from there upwards. Calls are offered at five times the \
        peak, as far as the load's core can offer them; a call that gets no answer is repeated as \
        RFC 3261 says. Two seconds after the last, half of the highest rate is offered, and is to be \
        completed with nothing sent twice.";
    let heads = [
        "server",
        "highest/s",
        "peak/s",
        "offered/s",
        "completed/s",
        "answered, not hung up",
        "503",
        "two seconds later",
    ];
    let mut section = Section::new("Overload", how, &heads);
    for kind in Kind::SERVERS {
        let highest = context.highest_rate(kind)?;
        let peak = context.peak(kind)?;
        let _server = context.serve(kind, &Setup::default())?;
        let rate = peak * TIMES;
        let results =
            context.load.impatient_calls(rate, rate * context.seconds(), context.users())?;
        thread::sleep(RECOVERY);
        let calls = highest / 2 * context.size(5, 1);
        let has_recovered =
            is_clean(&context.load.calls(highest / 2, calls, context.users())?, calls)?;
        let offered = results.number("rate")?;
        let completed = results.number("completed_per_second")?;
        section.row([
            kind.name().to_owned(),
            highest.to_string(),
            peak.to_string(),
            offered.to_string(),
            completed.to_string(),
            (results.number("answered")? - results.number("completed")?).to_string(),
            results.number("refused")?.to_string(),
            if has_recovered { "as before" } else { "not yet as before" }.to_owned(),
        ]);
        if kind == Kind::Antiphon {
            let part = completed / f64::from(peak) * 100.0;
            let times = offered / f64::from(peak);
            let what = format!("9. calls completed, of the peak, when {times:.1} × it is offered");
            section.at_least(&what, part, 90.0, " %");
            let found = if has_recovered { "yes" } else { "no" };
            section.mark("9. recovered in 2 s", "yes".to_owned(), found.to_owned(), has_recovered);
        }
    }
    Ok(section)
}
