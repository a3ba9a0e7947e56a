//! `antiphon code`, and the page that is made of it.

use std::collections::HashMap;

use serde_json::Value;

use crate::program::run;

const REGISTRY: &str = include_str!("../../../sip/tests/registry/response-codes.csv");
const PAGE: &str = include_str!("../../../../docs/codes.md");

type Line = HashMap<String, String>;

fn registry() -> Vec<Line> {
    let mut reader = csv::Reader::from_reader(REGISTRY.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_codes_are_those_of_the_registry_in_code_phrase_and_class() {
    let told = run(&["code", "--json"]);
    assert_eq!((told.status, told.stderr.as_str()), (Some(0), ""));
    let objects = told.objects();
    let codes: Vec<_> = objects.iter().filter(|object| object["code"].is_u64()).collect();
    assert_eq!((codes.len(), registry().len()), (75, 75));
    for (object, line) in codes.into_iter().zip(registry()) {
        assert_eq!(object["code"].to_string(), line["code"]);
        assert_eq!(object["name"], line["code"]);
        assert_eq!(object["phrase"], line["reason_phrase"]);
        assert_eq!(object["class"], line["class"]);
        assert_eq!(object["provisional_or_final"], line["provisional_or_final"]);
    }
}

#[test]
fn what_has_no_code_is_listed_by_its_name() {
    let objects = run(&["code", "--json"]).objects();
    let named: Vec<_> = objects.iter().filter(|object| object["code"].is_null()).collect();
    let names: Vec<_> = named.iter().map(|object| object["name"].as_str().unwrap()).collect();
    let expected = ["1", "2", "3", "4", "5", "6"].map(|digit| format!("{digit}xx-unknown"));
    assert_eq!(names[..6], expected);
    assert_eq!(names[6..], ["transport-error", "timeout"]);
    assert!(named.iter().all(|object| object["phrase"].is_null()));
    assert_eq!(named[0]["class"], "1xx");
    assert_eq!(named[7]["class"], Value::Null);
}

#[test]
fn every_object_has_every_key_and_says_something() {
    let texts = [
        "name",
        "provisional_or_final",
        "sent_when",
        "must_carry",
        "reaction",
        "detail",
        "bound",
        "applies_to",
        "dialog_effect",
        "person",
        "next_step",
    ];
    for object in run(&["code", "--json"]).objects() {
        assert_eq!(object["event"], "code");
        for key in texts {
            assert!(object[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {object}");
        }
        assert!(object["sent_by"].as_array().is_some_and(|list| !list.is_empty()), "{object}");
        assert!(object["refs"][0].as_str().is_some_and(|it| it.starts_with("RFC ")), "{object}");
        assert!(object["proxy"]["steps"].is_array(), "{object}");
        assert!(object["proxy"]["remark"].is_string(), "{object}");
        assert_eq!(object.as_object().unwrap().len(), texts.len() + 7, "{object}");
    }
}

#[test]
fn one_code_a_class_and_silence_can_be_asked_for() {
    let busy = run(&["code", "486"]);
    assert_eq!(busy.status, Some(0));
    assert!(busy.stdout.starts_with("486 Busy Here (final)\nThe person is busy.\n"), "{busy:?}");
    assert!(!busy.stdout.contains('\u{1b}'), "colour without a terminal");
    for class in ["3xx", "3"] {
        let objects = run(&["code", class, "--json"]).objects();
        let codes: Vec<_> = objects.iter().map(|object| object["code"].as_u64()).collect();
        assert_eq!(codes, [Some(300), Some(301), Some(302), Some(305), Some(380), None]);
    }
    let silence = run(&["code", "timeout"]).stdout;
    assert!(silence.starts_with("timeout (final)\nNobody answered.\n"), "{silence}");
}

#[test]
fn an_unregistered_code_is_told_by_its_class_rfc3261_8_1_3_2() {
    let told = run(&["code", "499", "--json"]).outcome();
    assert_eq!((&told["code"], &told["name"]), (&499.into(), &"4xx-unknown".into()));
    assert!(run(&["code", "499"]).stdout.starts_with("499 (not registered;"));
}

#[test]
fn the_page_of_the_codes_is_what_the_table_says() {
    let made = run(&["code", "--markdown"]).stdout;
    let difference = made.lines().zip(PAGE.lines()).find(|(made, page)| made != page);
    assert_eq!(difference, None, "docs/codes.md is out of date: run `cargo xtask codes`");
    assert_eq!(made.len(), PAGE.len(), "docs/codes.md is out of date: run `cargo xtask codes`");
}
