//! Bans.

use std::process::ExitCode;

use antiphon_core::time::Time;
use antiphon_net::Clock;
use antiphon_server::guard::Source;
use antiphon_store::{BanFile, StoredBan};
use serde_json::json;

use super::data;
use crate::cli::server::{Bans, BansAction};
use crate::fault::Fault;
use crate::terminal;

pub(crate) fn run(bans: Bans) -> Result<ExitCode, Fault> {
    let file = BanFile::at(&data::directory(bans.directory)?);
    let now = Clock::start().now();
    match bans.action {
        BansAction::List => list(&file, now, bans.json)?,
        BansAction::Clear(clearing) => clear(&file, clearing.source, now, bans.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(file: &BanFile, now: Time, json: bool) -> Result<(), Fault> {
    let mut bans = file.list().map_err(Fault::Bans)?;
    bans.retain(|ban| ban.until > now);
    if bans.is_empty() && !json {
        terminal::note("Nobody is banned.");
    }
    for ban in &bans {
        tell("ban", ban, json);
    }
    Ok(())
}

fn clear(file: &BanFile, source: Option<Source>, now: Time, json: bool) -> Result<(), Fault> {
    let is_meant =
        |ban: &StoredBan| source.is_none_or(|source| ban.source.parse::<Source>() == Ok(source));
    let mut cleared = Vec::new();
    file.change(|bans| {
        cleared = bans.extract_if(.., |ban| is_meant(ban)).collect();
    })
    .map_err(Fault::Bans)?;
    cleared.retain(|ban| ban.until > now);
    for ban in &cleared {
        tell("ban_cleared", ban, json);
    }
    match source {
        Some(source) if cleared.is_empty() => Err(Fault::NotBanned(source)),
        _ => Ok(()),
    }
}

fn tell(event: &str, ban: &StoredBan, json: bool) {
    let StoredBan { source, until, failures } = ban;
    if json {
        let object = json!({
            "event": event,
            "source": source,
            "until": until.as_secs(),
            "failures": failures,
        });
        terminal::print(&format!("{object}\n"));
        return;
    }
    let until = antiphon_agent::day_and_time(*until);
    terminal::print(&match event {
        "ban" => format!("{source}  until {until}, after {failures} failures\n"),
        _ => format!("{source} is listened to again.\n"),
    });
}
