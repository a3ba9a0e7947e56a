//! A code for programs. `docs/json.md` documents the keys.

use serde::Serialize;

use super::{Entry, words};

/// An entry with the texts of its row as they stand in the table.
#[derive(Serialize)]
pub(super) struct Object {
    event: &'static str,
    code: Option<u16>,
    name: String,
    phrase: Option<&'static str>,
    class: Option<&'static str>,
    provisional_or_final: &'static str,
    sent_by: Vec<String>,
    sent_when: &'static str,
    must_carry: &'static str,
    reaction: &'static str,
    detail: &'static str,
    bound: &'static str,
    applies_to: &'static str,
    proxy: Proxy,
    dialog_effect: String,
    person: &'static str,
    next_step: &'static str,
    refs: Vec<String>,
}

#[derive(Serialize)]
struct Proxy {
    steps: Vec<String>,
    remark: &'static str,
}

impl Object {
    pub(super) fn new(entry: &Entry) -> Self {
        let row = entry.row;
        Self {
            event: "code",
            code: entry.code.map(antiphon_sip::StatusCode::as_u16),
            name: row.key.to_string(),
            phrase: row.phrase(),
            class: words::class(row).map(|class| words::of_class(class).0),
            provisional_or_final: words::provisional_or_final(row),
            sent_by: row.sent_by.iter().map(ToString::to_string).collect(),
            sent_when: row.sent_when,
            must_carry: row.must_carry,
            reaction: row.reaction.name(),
            detail: row.detail,
            bound: row.bound.text,
            applies_to: row.applies_to,
            proxy: Proxy {
                steps: row.proxy.steps.iter().map(ToString::to_string).collect(),
                remark: row.proxy.remark,
            },
            dialog_effect: row.dialog.to_string(),
            person: row.person,
            next_step: row.next_step,
            refs: row.rfcs().collect(),
        }
    }
}
