//! Each condition, holding and not.

use super::*;

/// Whether a rule with this condition takes a request.
fn takes(when: &str, question: &Question<'_>) -> bool {
    let config =
        world(&format!("[[rule]]\nname = \"it\"\nwhen = {{ {when} }}\ndo = {{ answer = 600 }}\n"));
    decided(&config, question).step.rule.as_deref() == Some("it")
}

#[test]
fn method_role_locality_and_trust() {
    let invite = question("INVITE sip:bob@example.org");
    for (when, wanted) in [
        ("method = \"INVITE\"", true),
        ("method = [\"MESSAGE\", \"INVITE\"]", true),
        ("method = \"OPTIONS\"", false),
        ("method = \"X-OWN\"", false),
        ("local = true", true),
        ("local = false", false),
        ("role = \"proxy\"", true),
        ("role = \"redirect\"", false),
        ("authenticated = false", true),
        ("authenticated = true", false),
        ("trusted = false", true),
        ("trusted = true", false),
        ("transport = \"udp\"", true),
        ("transport = [\"tcp\", \"tls\"]", false),
    ] {
        assert_eq!(takes(when, &invite), wanted, "{when}");
    }
    assert!(takes("local = false", &question("INVITE tel:+44123")));
    assert!(takes("local = false", &question("INVITE sip:a@example.com")));
    assert!(takes("role = \"redirect\"", &question("INVITE sip:a@moved.example.org")));
    assert!(takes("authenticated = true", &friend("INVITE sip:a@example.com")));
    let inside = Question { source: TRUSTED, ..question("INVITE sip:a@example.com") };
    assert!(takes("trusted = true", &inside));
}

#[test]
fn who_calls_whom() {
    let call = Question {
        from: Some("sip:al%69ce@Example.ORG;x=y"),
        ..friend("INVITE sip:b%6fb;ext=1@EXAMPLE.org:5060")
    };
    for (when, wanted) in [
        ("callee = 'bob;ext=1'", true),
        ("callee = 'bob'", false),
        ("callee = 'bob.*'", true),
        ("callee_domain = \"example.org\"", true),
        ("callee_domain = [\"a.example\", \"EXAMPLE.ORG\"]", true),
        ("callee_domain = \"example.com\"", false),
        ("caller = 'alice'", true),
        ("caller = 'lic'", false),
        ("caller_domain = \"example.org\"", true),
        ("caller_domain = \"elsewhere.example\"", false),
        ("uri = 'sip:b%6fb;.*'", true),
        ("uri = 'sips:.*'", false),
    ] {
        assert_eq!(takes(when, &call), wanted, "{when}");
    }
    let tel = question("INVITE tel:+44-(20)-7946");
    assert!(takes("callee = '\\+44207946'", &tel));
    assert!(takes("callee = '207946'", &question("INVITE tel:20-79-46;phone-context=+44")));
}

#[test]
fn header_fields_by_any_of_their_names_rfc3261_7_3_3() {
    let headers = [("s", "very urgent"), ("X-Own", "one"), ("x-own", "two")];
    let call = Question { headers: &headers, ..question("INVITE sip:bob@example.org") };
    for (when, wanted) in [
        ("header = { Subject = '(?i).*URGENT' }", true),
        ("header = { s = '.*urgent' }", true),
        ("header = { subject = 'urgent' }", false),
        ("header = { X-OWN = 'two' }", true),
        ("header = { X-Own = 'three' }", false),
        ("header = { Priority = '.*' }", false),
        ("header = { Subject = '.*', X-Own = 'one' }", true),
    ] {
        assert_eq!(takes(when, &call), wanted, "{when}");
    }
}

#[test]
fn source_networks_of_both_families() {
    let from = |source: &str| Question {
        source: source.parse().unwrap(),
        ..question("INVITE sip:bob@example.org")
    };
    let when = "source = [\"203.0.113.0/24\", \"2001:db8::/32\", \"192.0.2.7\"]";
    for (source, wanted) in [
        ("203.0.113.9", true),
        ("203.0.114.9", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("::ffff:192.0.2.7", true),
    ] {
        assert_eq!(takes(when, &from(source)), wanted, "{source}");
    }
}

#[test]
fn hours_and_weekdays() {
    let at = |weekday, minute| Question {
        moment: Moment { weekday, minute },
        ..question("INVITE sip:bob@example.org")
    };
    let office = "hours = [\"08:00-12:00\", \"13:00-18:00\"], weekdays = [\"mon-thu\", \"fri\"]";
    for (day, minute, wanted) in [
        (Weekday::Monday, 480, true),
        (Weekday::Monday, 479, false),
        (Weekday::Monday, 720, false),
        (Weekday::Friday, 1079, true),
        (Weekday::Friday, 1080, false),
        (Weekday::Saturday, 600, false),
    ] {
        assert_eq!(takes(office, &at(day, minute)), wanted, "{day:?} {minute}");
    }
}

#[test]
fn where_it_came_from_through_a_trunk() {
    let from = |trunk| Question { trunk, ..question("INVITE sip:bob@example.org") };
    for (when, trunk, wanted) in [
        ("from_trunk = \"carrier\"", Some("carrier"), true),
        ("from_trunk = \"carrier\"", Some("spare"), false),
        ("from_trunk = \"carrier\"", None, false),
        ("from_trunk = [\"carrier\", \"spare\"]", Some("spare"), true),
    ] {
        assert_eq!(takes(when, &from(trunk)), wanted, "{when} {trunk:?}");
    }
}

#[test]
fn the_health_of_trunks() {
    let down: DownTrunks = ["carrier"].into_iter().collect();
    let sick = Question { down: &down, ..question("INVITE sip:bob@example.org") };
    let well = question("INVITE sip:bob@example.org");
    for (when, when_sick, when_well) in [
        ("trunk_up = \"carrier\"", false, true),
        ("trunk_up = \"spare\"", true, true),
        ("trunk_up = [\"carrier\", \"spare\"]", false, true),
        ("trunk_down = \"carrier\"", true, false),
        ("trunk_down = [\"carrier\", \"spare\"]", false, false),
    ] {
        assert_eq!(takes(when, &sick), when_sick, "{when}");
        assert_eq!(takes(when, &well), when_well, "{when}");
    }
}

#[test]
fn the_clock_is_looked_at_when_a_rule_wants_to_know() {
    let looks = |when: &str| {
        let text = format!("[[rule]]\nname = \"r\"\nwhen = {{ {when} }}\ndo = \"locate\"\n");
        check(&text).config.unwrap().rules.looks_at_the_clock()
    };
    assert!(looks("hours = \"08:00-12:00\""));
    assert!(looks("weekdays = \"mon-fri\""));
    assert!(!looks("method = \"INVITE\""));
}
