//! From the start of the process to the first answered request.

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let contacts = context.many_contacts();
    let filled = context.data_with_many_contacts()?;
    let (mut empty, mut many, mut theirs) =
        (Figure::default(), Figure::default(), Figure::default());
    for _ in 0..context.size(5, 1) {
        let data = Some(context.folder.fresh("empty")?);
        empty.add(start(context, Kind::Antiphon, Setup { data, ..Setup::default() })?);
        let data = Some(filled.clone());
        many.add(start(context, Kind::Antiphon, Setup { data, ..Setup::default() })?);
        theirs.add(start(context, Kind::Kamailio, Setup::default())?);
    }
    let how = "Milliseconds until an OPTIONS is answered; asked every few milliseconds. The empty \
        directory is one that is not there yet, so accounts and a secret are made.";
    let mut section = Section::new("Start", how, &["server", "contacts", "ms"]);
    section.row(["Antiphon".to_owned(), "0".to_owned(), empty.to_string()]);
    section.row(["Antiphon".to_owned(), contacts.to_string(), many.to_string()]);
    section.row(["Kamailio".to_owned(), "0".to_owned(), theirs.to_string()]);
    section.at_most("8. start with an empty database", empty.median(), 50.0, " ms");
    section.at_most("8. start with 1,000,000 contacts", many.median(), 1_000.0, " ms");
    Ok(section)
}

fn start(context: &mut Context, kind: Kind, setup: Setup) -> Result<f64, Failure> {
    let server = context.start(kind, &setup)?;
    Ok(server.started_in.as_secs_f64() * 1e3)
}
