//! The configuration: one TOML file, from what was typed to what is used.
//!
//! Where to begin: [`check`] reads a text and tells everything that is wrong with it at once;
//! [`Config`] is what comes out when nothing is. Every key is defined once, in `schema.rs` and in
//! the rules' `raw.rs`; the reader, `docs/configuration.md` and `docs/antiphon.sample.toml` are
//! made of that definition.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod checked;
mod convert;
mod documentation;
mod not_carried_out;
mod reload;
mod schema;

#[cfg(test)]
mod tests;

pub use checked::{
    Bans, Config, Domain, Extensions, Network, Probe, Trunk, TrunkCredentials, TrunkRegistration,
    TrunkTarget,
};
pub use documentation::{reference, sample};
pub use reload::{Changes, Part};

pub use crate::reading::fault::{Contradiction, Finding, Place, Problem};
pub use crate::reading::kinds::{HostName, HostPort, Role};
pub use crate::reading::no_secret::SecretError;
pub use crate::reading::secret::Secret;

use convert::Declared;
use schema::{RawConfig, RawRules};

use crate::reading::reader::{FromValue, Item, Reader};
use crate::reading::value::Located;
use crate::rules::RuleSet;
use crate::rules::build::build;
use crate::rules::raw::RawRule;
use crate::rules::scope::Scope;

/// The default rules, as they stand in the documentation.
pub const DEFAULT_RULES: &str = include_str!("../../../../docs/default-rules.toml");

/// What came of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The configuration, when there is no fault.
    pub config: Option<Config>,
    /// Everything that is wrong, in the order of the text.
    pub faults: Vec<Finding>,
    /// What is not wrong and still not right, in the order of the text.
    pub warnings: Vec<Finding>,
    /// What is right and asks for something that this version of the server does not do, in the
    /// order of the text.
    pub not_carried_out: Vec<Finding>,
}

/// Reads a configuration. All faults are told, never only the first.
#[must_use]
pub fn check(text: &str) -> Checked {
    let mut reader = Reader::new(text);
    let (table, is_toml) = parse(text, &mut reader);
    let declared = Declared {
        trunks: declared(&table, "trunk", &reader),
        rules: declared(&table, "rule", &reader),
        has_certificates: table.get_ref().get("certificate").is_some(),
    };
    let config = RawConfig::from_value(&table, &mut reader)
        .map(|raw| convert::config(raw, default_rules(), &declared, &mut reader));
    let not_carried_out = not_carried_out::find(&table, &reader);
    let (mut faults, warnings) = reader.finish();
    if !is_toml {
        keep_what_is_sure(&mut faults);
    }
    let config = config.filter(|_| faults.is_empty());
    Checked { config, faults, warnings, not_carried_out }
}

/// Reads a configuration from a file, and warns of secrets that are not where it says: another
/// machine may have them.
///
/// # Errors
/// When the file cannot be read as UTF-8 text.
pub fn check_file(path: &Path) -> std::io::Result<Checked> {
    let text = std::fs::read_to_string(path)?;
    let mut checked = check(&text);
    let trunks = checked.config.iter().flat_map(|config| &config.trunks);
    let missing: Vec<_> = trunks
        .zip(password_places(&text))
        .filter_map(|(trunk, place)| {
            let error = trunk.credentials.as_ref()?.password.reveal().err()?;
            Some(Finding { place, problem: Problem::NoSecret(error), suggestion: None })
        })
        .collect();
    checked.warnings.extend(missing);
    checked.warnings.sort_by_key(|warning| warning.place);
    Ok(checked)
}

/// Where each trunk has its password; where it has none, the place of the trunk.
fn password_places(text: &str) -> Vec<Place> {
    let reader = Reader::new(text);
    let (table, _) = parse(text, &mut Reader::new(text));
    let list = table.get_ref().get("trunk").and_then(|list| list.get_ref().as_array());
    let trunks = list.into_iter().flat_map(|list| list.iter());
    trunks
        .map(|trunk| reader.place(&trunk.get_ref().get("password").unwrap_or(trunk).span()))
        .collect()
}

/// The table that a text is, and whether it is TOML. Of one that is not, what could be read.
fn parse<'t>(text: &'t str, reader: &mut Reader<'_>) -> (Item<'t>, bool) {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        reader.fault(&span, Problem::Syntax(message.into()));
    }
    let span = table.span();
    (Spanned::new(span, DeValue::Table(table.into_inner())), errors.is_empty())
}

/// The names in a list of tables.
fn declared(table: &Item<'_>, key: &str, reader: &Reader<'_>) -> Vec<Located<String>> {
    let list = table.get_ref().get(key).and_then(|list| list.get_ref().as_array());
    let names = list.into_iter().flat_map(|list| list.iter()).filter_map(|element| {
        let name = element.get_ref().get("name")?;
        let value = name.get_ref().as_str()?.to_owned();
        Some(Located { value, place: reader.place(&name.span()) })
    });
    names.collect()
}

/// Where the text is no TOML, a key may seem to be missing or a value to be another only because
/// it could not be read: only what a value by itself shows on another line is told beside it.
fn keep_what_is_sure(faults: &mut Vec<Finding>) {
    let is_syntax = |finding: &Finding| matches!(finding.problem, Problem::Syntax(_));
    let broken: Vec<usize> =
        faults.iter().filter(|one| is_syntax(one)).map(|one| one.place.line).collect();
    faults.retain(|finding| {
        let is_sure = finding.problem.is_of_one_value();
        is_syntax(finding) || (is_sure && !broken.contains(&finding.place.line))
    });
    // One broken line may be told in several words; the first says where it begins.
    faults.dedup_by(|later, first| {
        is_syntax(later) && is_syntax(first) && later.place.line == first.place.line
    });
}

/// The rules of an empty text: those that stand behind the rules of every configuration.
#[must_use]
pub fn only_default_rules() -> Arc<RuleSet> {
    static MADE: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
        let (mut reader, scope) = (Reader::new(DEFAULT_RULES), Scope::default());
        Arc::new(build(Vec::new(), default_rules(), &scope, &mut reader))
    });
    Arc::clone(&MADE)
}

fn default_rules() -> Vec<RawRule> {
    let mut reader = Reader::new(DEFAULT_RULES);
    let (table, _) = parse(DEFAULT_RULES, &mut reader);
    RawRules::from_value(&table, &mut reader).map(|raw| raw.rules).unwrap_or_default()
}
