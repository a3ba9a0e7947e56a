//! Warnings of rules that can never match.

use super::*;

fn warnings(rules: &str) -> Vec<String> {
    let checked = check(&format!("{WORLD}{rules}"));
    assert!(checked.config.is_some(), "{:?}", checked.faults);
    checked.warnings.iter().map(ToString::to_string).collect()
}

fn rule(name: &str, when: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nwhen = {{ {when} }}\ndo = {{ answer = 404 }}\n")
}

#[test]
fn a_rule_behind_a_broader_one_never_matches() {
    for (broad, narrow) in [
        ("", "method = \"INVITE\""),
        ("method = [\"INVITE\", \"MESSAGE\"]", "method = \"INVITE\", local = true"),
        ("local = true", "role = \"proxy\""),
        ("source = \"203.0.0.0/16\"", "source = [\"203.0.113.0/24\", \"203.0.114.1\"]"),
        ("hours = [\"08:00-12:00\", \"12:00-18:00\"]", "hours = \"09:00-17:00\""),
        ("weekdays = \"mon-fri\"", "weekdays = [\"tue\", \"wed-thu\"]"),
        ("callee = '1.*'", "callee = '1.*', transport = \"tcp\""),
        ("transport = [\"tcp\", \"tls\"]", "transport = \"tls\""),
        (
            "callee_domain = [\"example.org\", \"moved.example.org\"]",
            "callee_domain = \"example.org\"",
        ),
        ("trunk_up = \"carrier\"", "trunk_up = [\"carrier\", \"spare\"]"),
        ("header = { Subject = 'a' }", "header = { Subject = 'a', Priority = 'b' }"),
    ] {
        let rules = format!("{}{}", rule("broad", broad), rule("narrow", narrow));
        assert_eq!(
            warnings(&rules),
            [
                "line 20, column 8: rule 'narrow' can never match: 'broad' in line 16 comes before it \
              and takes all that it would"
            ],
            "{broad} / {narrow}"
        );
        let turned = format!("{}{}", rule("narrow", narrow), rule("broad", broad));
        assert_eq!(warnings(&turned), [""; 0], "{narrow} / {broad}");
    }
}

#[test]
fn rules_that_only_overlap_are_no_cause_for_a_warning() {
    for (one, other) in [
        ("method = \"INVITE\"", "local = true"),
        ("source = \"203.0.113.0/24\"", "source = \"203.0.0.0/16\""),
        ("callee = '1.*'", "callee = '12'"),
        ("hours = \"08:00-12:00\"", "hours = \"11:00-13:00\""),
        ("header = { Subject = 'a' }", "header = { Priority = 'a' }"),
    ] {
        let rules = format!("{}{}", rule("one", one), rule("other", other));
        assert_eq!(warnings(&rules), [""; 0], "{one} / {other}");
    }
}

#[test]
fn conditions_that_exclude_each_other_are_a_warning() {
    for (when, wanted) in [
        (
            "trunk_up = \"carrier\", trunk_down = [\"spare\", \"carrier\"]",
            "trunk 'carrier' cannot be up and down at once",
        ),
        ("role = \"proxy\", local = false", "only a domain of ours has a role"),
        (
            "local = true, callee_domain = \"elsewhere.example\"",
            "'elsewhere.example' is no domain of ours",
        ),
        ("trusted = true, source = \"203.0.113.0/24\"", "no address of 'source' is trusted"),
        ("trusted = false, source = \"10.1.0.0/16\"", "every address of 'source' is trusted"),
        ("method = [\"ACK\", \"CANCEL\"]", "ACK and CANCEL go the way of their INVITE"),
        (
            "method = \"REGISTER\", local = true",
            "REGISTER in a domain of ours is for the registrar",
        ),
        ("authenticated = true, trusted = true", "who is trusted is not asked to sign in"),
    ] {
        let wanted = format!("line 16, column 8: rule 'x' can never match: {wanted}");
        assert_eq!(warnings(&rule("x", when)), [wanted], "{when}");
    }
    let listened = check(
        "listen = [\"udp:192.0.2.1:5060\"]\n[[rule]]\nname = \"x\"\n\
         when = { transport = [\"tls\", \"wss\"] }\ndo = { answer = 403 }\n",
    );
    let told: Vec<_> = listened.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["line 3, column 8: rule 'x' can never match: no listener has a transport of 'transport'"]
    );
    let alone = "[[domain]]\nname = \"a\"\n[[rule]]\nname = \"x\"\n\
                 when = { role = \"redirect\" }\ndo = \"locate\"\n";
    let told: Vec<_> = check(alone).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["line 4, column 8: rule 'x' can never match: no domain has the role 'redirect'"]
    );
}

#[test]
fn a_rule_that_others_hand_over_to_has_its_use() {
    let rules = "[[rule]]\nname = \"all\"\ndo = \"locate\"\non = { \"486\" = { rule = \"busy\" } }\n\
                 [[rule]]\nname = \"busy\"\ndo = { answer = 480 }\n";
    assert_eq!(warnings(rules), [""; 0]);
}

#[test]
fn a_2xx_without_a_session_is_a_warning() {
    let answer = |when: &str| {
        format!("[[rule]]\nname = \"x\"\nwhen = {{ {when} }}\ndo = {{ answer = 200 }}\n")
    };
    assert_eq!(
        warnings(&answer("callee = 'echo'")),
        ["line 18, column 17: a 2xx to INVITE promises a session that this server has not"]
    );
    assert_eq!(warnings(&answer("method = [\"OPTIONS\", \"MESSAGE\"]")), [""; 0]);
}
