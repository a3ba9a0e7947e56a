//! Remembered addresses.

use std::process::ExitCode;

use antiphon_sip::UriBuf;
use antiphon_store::{Moved, Remembered as _, RememberedFile};
use serde_json::json;

use super::data;
use crate::cli::remembered::{Remembered, RememberedAction, Removal};
use crate::fault::Fault;
use crate::terminal;

pub(crate) fn run(remembered: Remembered) -> Result<ExitCode, Fault> {
    let file = RememberedFile::at(&data::state_directory(remembered.state)?);
    match remembered.action {
        RememberedAction::List => list(&file, remembered.json)?,
        RememberedAction::Remove(removal) => remove(&file, &removal, remembered.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(file: &RememberedFile, json: bool) -> Result<(), Fault> {
    let all = file.list().map_err(Fault::Remembered)?;
    if all.is_empty() && !json {
        terminal::note("No address is remembered: none has moved for good.");
    }
    for moved in all {
        tell("remembered", &moved, json);
    }
    Ok(())
}

fn remove(file: &RememberedFile, removal: &Removal, json: bool) -> Result<(), Fault> {
    let all = file.list().map_err(Fault::Remembered)?;
    let mut removed = false;
    for moved in all.into_iter().filter(|moved| is_meant(moved, removal)) {
        if file.remove(&moved.identity, &moved.old).map_err(Fault::Remembered)? {
            tell("remembered_removed", &moved, json);
            removed = true;
        }
    }
    match &removal.old {
        Some(old) if !removed => Err(Fault::NotRemembered(old.clone())),
        _ => Ok(()),
    }
}

fn is_meant(moved: &Moved, removal: &Removal) -> bool {
    let same = |one: &UriBuf, other: &UriBuf| one.as_uri().is_equivalent(&other.as_uri());
    let old = removal.old.as_ref().is_none_or(|old| same(old, &moved.old));
    let from = removal.from.as_ref().is_none_or(|from| same(from, &moved.identity));
    old && from
}

fn tell(event: &str, moved: &Moved, json: bool) {
    let new: Vec<_> = moved.new.iter().map(ToString::to_string).collect();
    if json {
        let object = json!({
            "event": event,
            "identity": moved.identity.to_string(),
            "old": moved.old.to_string(),
            "new": new,
            "learnt": moved.learnt.as_secs(),
            "from": moved.from,
        });
        terminal::print(&format!("{object}\n"));
        return;
    }
    let what = if event == "remembered" { "" } else { "Forgotten: " };
    let when = antiphon_agent::day_and_time(moved.learnt);
    terminal::print(&format!(
        "{what}{} -> {}\n  for {}, learnt {when} from {}\n",
        moved.old,
        new.join(", "),
        moved.identity,
        moved.from,
    ));
}
