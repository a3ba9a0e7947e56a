//! The name tables against the registry "Session Initiation Protocol (SIP) Parameters": what the
//! registry has, the tables have, and the other way round.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use antiphon_sip::name::{
    EventPackage, HeaderName, Method, OptionTag, PriorityValue, PrivacyValue, ReasonProtocol,
    Status, StatusCode, Transport, WarnCode,
};

/// The columns of a table, each row as text.
type Rows = BTreeSet<Vec<String>>;

#[test]
fn header_names_are_those_of_the_registry() {
    let registry = read("header-fields.csv", &["name", "compact", "reference", "status"]);
    let ours = rows(HeaderName::ALL.iter().filter_map(|name| {
        let status = match name.status() {
            Status::Active => "active",
            Status::Deprecated => "deprecated",
            Status::Reserved => "reserved",
            Status::Unregistered => return None,
        };
        Some([name.as_str(), name.compact().unwrap_or_default(), name.reference(), status])
    }));
    assert_same(&ours, &registry, 134);
}

#[test]
fn unregistered_header_names_are_not_in_the_registry() {
    let registry = read("header-fields.csv", &["name"]);
    for name in HeaderName::ALL {
        let registered = registry.contains(&vec![name.as_str().to_owned()]);
        assert_eq!(registered, name.status() != Status::Unregistered, "{name}");
    }
}

#[test]
fn compact_forms_are_nineteen_letters() {
    let letters: BTreeSet<_> = HeaderName::ALL.iter().filter_map(|name| name.compact()).collect();
    assert_eq!(letters.into_iter().collect::<String>(), "abcdefijklmorstuvxy");
}

#[test]
fn methods_are_those_of_the_registry() {
    let registry = read("methods.csv", &["method", "reference", "main_section"]);
    // The section belongs to the first document: "RFC 3261 13; RFC 6026".
    let registry = rows(registry.iter().map(|row| {
        let (first, others) = row[1].split_once(';').unwrap_or((&row[1], ""));
        let separator = if others.is_empty() { "" } else { ";" };
        [row[0].clone(), format!("{first} {}{separator}{others}", row[2])]
    }));
    let ours = rows(Method::ALL.iter().map(|m| [m.as_str(), m.reference().unwrap_or_default()]));
    assert_same(&ours, &registry, 14);
}

#[test]
fn status_codes_are_those_of_the_registry() {
    let columns =
        ["code", "reason_phrase", "rfc", "section_of_rfc", "deprecated", "provisional_or_final"];
    let registry = rows(read("response-codes.csv", &columns).iter().map(|row| {
        let reference = format!("RFC {} {}", row[2], row[3]);
        [row[0].clone(), row[1].clone(), reference, row[4].clone(), row[5].clone()]
    }));
    let ours = rows(StatusCode::REGISTERED.iter().map(|code| {
        [
            code.to_string(),
            code.reason().to_owned(),
            code.reference().unwrap_or_default().to_owned(),
            if code.is_deprecated() { "y" } else { "n" }.to_owned(),
            if code.is_final() { "final" } else { "provisional" }.to_owned(),
        ]
    }));
    assert_same(&ours, &registry, 75);
}

#[test]
fn only_registered_status_codes_say_so() {
    let registered = (100..700).filter_map(StatusCode::new).filter(|code| code.is_registered());
    assert!(registered.eq(StatusCode::REGISTERED.iter().copied()));
}

#[test]
fn warning_codes_are_those_of_the_registry() {
    let registry = read("warn-codes.csv", &["warn_code", "warn_text", "reference"]);
    let ours = rows(WarnCode::REGISTERED.iter().map(|code| {
        let [text, reference] = [code.text(), code.reference()].map(Option::unwrap_or_default);
        [code.to_string(), text.to_owned(), reference.to_owned()]
    }));
    assert_same(&ours, &registry, 15);
}

#[test]
fn transports_are_those_of_the_registry() {
    let registry = read("iana-extra/transports.csv", &["token", "reference"]);
    let ours = rows(Transport::ALL.iter().map(|t| [t.as_via(), t.reference()]));
    assert_same(&ours, &registry, 7);
}

/// One test for a table whose rows are a name and its reference.
macro_rules! same_names {
    ($($test:ident: $Name:ident, $file:literal, $column:literal, $count:literal;)+) => {
        $(
            #[test]
            fn $test() {
                let registry = rows(read($file, &[$column, "reference"]).iter().map(|row| {
                    // One event package has no document.
                    let reference = if row[1].is_empty() { "registry only" } else { &row[1] };
                    [row[0].clone(), reference.to_owned()]
                }));
                let ours = rows(
                    $Name::ALL.iter().map(|n| [n.as_str(), n.reference().unwrap_or_default()]),
                );
                assert_same(&ours, &registry, $count);
            }
        )+
    };
}

same_names! {
    option_tags_are_those_of_the_registry:
        OptionTag, "option-tags.csv", "option_tag", 36;
    event_packages_are_those_of_the_registry:
        EventPackage, "event-packages.csv", "package", 22;
    reason_protocols_are_those_of_the_registry:
        ReasonProtocol, "reason-protocols.csv", "protocol", 22;
    privacy_values_are_those_of_the_registry:
        PrivacyValue, "iana-extra/privacy-values.csv", "value", 7;
    priority_values_are_those_of_the_registry:
        PriorityValue, "iana-extra/priority-values.csv", "value", 5;
}

#[test]
fn the_template_packages_are_those_of_the_registry() {
    let registry = read("event-packages.csv", &["package", "type"]);
    let ours = rows(EventPackage::ALL.iter().map(|package| {
        [package.as_str(), if package.is_template() { "template" } else { "package" }]
    }));
    assert_same(&ours, &registry, 22);
}

fn rows<Row: IntoIterator<Item: Into<String>>>(table: impl Iterator<Item = Row>) -> Rows {
    table.map(|row| row.into_iter().map(Into::into).collect()).collect()
}

/// Names every difference at once.
fn assert_same(ours: &Rows, registry: &Rows, count: usize) {
    let missing: Vec<_> = registry.difference(ours).collect();
    let surplus: Vec<_> = ours.difference(registry).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}\nsurplus {surplus:#?}");
    assert_eq!(ours.len(), count);
}

/// Some columns of a registry file.
#[expect(clippy::unwrap_used, reason = "a missing or broken file must fail the test")]
fn read(file: &str, columns: &[&str]) -> Rows {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry").join(file);
    let mut reader = csv::Reader::from_reader(File::open(path).unwrap());
    let headings = reader.headers().unwrap().clone();
    let place = |column: &&str| headings.iter().position(|heading| heading == *column).unwrap();
    let places: Vec<_> = columns.iter().map(place).collect();
    let pick = |record: csv::StringRecord| places.iter().map(|&p| record[p].to_owned()).collect();
    reader.records().map(|record| pick(record.unwrap())).collect()
}
