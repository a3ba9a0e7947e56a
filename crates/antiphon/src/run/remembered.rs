//! Remembered addresses.

use std::process::ExitCode;

use antiphon_core::auth::digest::Algorithm;
use antiphon_sip::UriBuf;
use antiphon_store::{AlgorithmFile, Moved, Remembered as _, RememberedFile, SeenAlgorithm};
use serde_json::json;

use super::data;
use crate::cli::remembered::{Remembered, RememberedAction, Removal};
use crate::fault::Fault;
use crate::terminal;

pub(crate) fn run(remembered: Remembered) -> Result<ExitCode, Fault> {
    let directory = data::state_directory(remembered.state)?;
    let file = RememberedFile::at(&directory);
    let algorithms = AlgorithmFile::at(&directory);
    match remembered.action {
        RememberedAction::List => list(&file, &algorithms, remembered.json)?,
        RememberedAction::Remove(removal) => {
            remove(&file, &algorithms, &removal, remembered.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(file: &RememberedFile, algorithms: &AlgorithmFile, json: bool) -> Result<(), Fault> {
    let all = file.list().map_err(Fault::Remembered)?;
    let seen = algorithms.list().map_err(Fault::Remembered)?;
    if all.is_empty() && seen.is_empty() && !json {
        terminal::note("No address is remembered: none has moved for good.");
    }
    for moved in all {
        tell("remembered", &moved, json);
    }
    for seen in seen {
        tell_algorithm("algorithm", &seen, json);
    }
    Ok(())
}

fn remove(
    file: &RememberedFile,
    algorithms: &AlgorithmFile,
    removal: &Removal,
    json: bool,
) -> Result<(), Fault> {
    let all = file.list().map_err(Fault::Remembered)?;
    let mut removed = false;
    for moved in all.into_iter().filter(|moved| is_meant(moved, removal)) {
        if file.remove(&moved.identity, &moved.old).map_err(Fault::Remembered)? {
            tell("remembered_removed", &moved, json);
            removed = true;
        }
    }
    if removal.from.is_none() {
        let server = removal.old.as_ref().map(server_of);
        for seen in algorithms.remove(server.as_deref()).map_err(Fault::Remembered)? {
            tell_algorithm("algorithm_removed", &seen, json);
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

/// A server is named without a user; an address with one is nobody's realm.
fn server_of(uri: &UriBuf) -> String {
    let uri = uri.as_uri();
    let Some(sip) = uri.as_sip().filter(|sip| sip.user.is_none()) else { return String::new() };
    let host = sip.host.to_string().to_ascii_lowercase();
    sip.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

fn tell_algorithm(event: &str, seen: &SeenAlgorithm, json: bool) {
    let name = Algorithm::ALL.iter().find(|one| one.strength() == seen.strength);
    let name = name.map_or("something unknown", |one| one.name());
    if json {
        let object = json!({
            "event": event,
            "server": seen.server,
            "realm": seen.realm,
            "algorithm": name,
        });
        terminal::print(&format!("{object}\n"));
        return;
    }
    let what = if event == "algorithm" { "" } else { "Forgotten: " };
    let realm: String = seen.realm.chars().filter(|c| !c.is_control()).collect();
    terminal::print(&format!(
        "{what}{} asked for a password with {name} in realm \"{realm}\": nothing weaker is answered\n",
        seen.server,
    ));
}
