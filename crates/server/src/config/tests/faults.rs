//! Every fault at once, in exact words.

use super::*;

#[test]
fn ten_faults_give_ten_messages() {
    let text = r#"lisen = ["udp:0.0.0.0:5060"]
listen = ["udp:192.0.2.1"]
trusted = ["10.1.2.3/8"]

[[domain]]
name = "example.org"
role = "redirct"
digest = ["SHA-265"]

[registrar]
max_contacts = 0
min_expires = 60

[[rule]]
name = "out"
when = { callee = '0(\d+', weekday = "mon" }
do = { trunk = "carier", user = "+44$1" }

[[trunk]]
name = "carrier"
target = [{ host = "gw.example.net" }]
"#;
    let told = faults(text);
    assert_eq!(
        told,
        [
            "line 1, column 1: unknown key 'lisen'; did you mean 'listen'?",
            "line 2, column 11: 'udp:192.0.2.1' is not a listener such as \"udp:192.0.2.1:5060\"; \
             did you mean 'udp:192.0.2.1:5060'?",
            "line 3, column 12: the address has bits behind the prefix; did you mean '10.0.0.0/8'?",
            "line 7, column 8: 'redirct' is not \"proxy\" or \"redirect\"; did you mean 'redirect'?",
            "line 8, column 11: 'SHA-265' is not \"MD5\", \"SHA-256\" or \"SHA-512-256\"; \
             did you mean 'SHA-256'?",
            "line 11, column 16: '0' is not a whole number from 1 to 1000",
            "line 12, column 15: this must be a period from \"1s\" to \"1d\", not a whole number; \
             did you mean \"60s\"?",
            "line 16, column 19: this is no usable pattern: unclosed group",
            "line 16, column 28: unknown key 'weekday' in [rule.when]; did you mean 'weekdays'?",
            "line 17, column 16: there is no trunk 'carier'; did you mean 'carrier'?",
        ]
    );
}

fn only_fault(text: &str) -> String {
    let mut told = faults(text);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

fn warnings(text: &str) -> Vec<String> {
    let checked = check(text);
    assert_eq!(checked.faults, [], "{text}");
    checked.warnings.iter().map(ToString::to_string).collect()
}

fn rule(rest: &str) -> String {
    format!(
        "[[trunk]]\nname = \"t\"\ntarget = [{{ host = \"h\" }}]\n[[rule]]\nname = \"r\"\n{rest}"
    )
}

#[test]
fn what_is_missing_or_there_twice_is_told() {
    for (text, wanted) in [
        ("[[domain]]\n", "line 1, column 1: the key 'name' is missing in [domain]"),
        ("[[rule]]\nname = \"a\"\n", "line 1, column 1: the key 'do' is missing in [rule]"),
        (
            "[[domain]]\nname = \"a\"\naliases = [\"A\"]\n",
            "line 3, column 12: there is another domain 'a' in line 2",
        ),
        (
            "listen = [\"udp:[::1]:5060\", \"udp:[::1]:5060\"]",
            "line 1, column 29: 'udp:[::1]:5060' stands here twice",
        ),
        (
            "listen = [\"tls:[::1]:5061\"]",
            "line 1, column 11: 'listen' needs a [[certificate]] for this",
        ),
        (
            "[tls]\nclient_certificates = \"required\"",
            "line 2, column 23: 'client_certificates' needs 'client_authorities'",
        ),
        (
            "listen = [\"tls:[::1]:5061\"]\n[[certificate]]\nchain = \"c\"",
            "line 2, column 1: the key 'key' is missing in [certificate]",
        ),
        (
            "listen = [\"tpc:[::1]:5061\"]",
            "line 1, column 11: 'tpc:[::1]:5061' is not a listener such as \
             \"udp:192.0.2.1:5060\"; did you mean 'tcp:[::1]:5061'?",
        ),
        (
            "listen = [\"sctp:[::1]:5060\"]",
            "line 1, column 11: 'sctp:[::1]:5060' is not a listener such as \
             \"udp:192.0.2.1:5060\"",
        ),
        ("[[domain]]\nname = \"a\"\ndigest = []\n", "line 3, column 10: the list is empty"),
        (
            "[registrar]\nmin_expires = \"2h\"\n",
            "line 2, column 15: 'min_expires' must not be above 'default_expires'",
        ),
        (
            "[[trunk]]\nname = \"t\"\nusername = \"u\"\ntarget = [{ host = \"h\" }]\n",
            "line 3, column 12: 'username' needs 'password'",
        ),
        (
            "[[trunk]]\nname = \"t\"\ntarget = [{ host = \"h\" }]\nregister = { aor = \"sip:a@b\" }\n",
            "line 4, column 12: 'register' needs 'username' and 'password'",
        ),
        ("[[trunk]]\nname = \"t\"\ntarget = []\n", "line 3, column 10: the list is empty"),
        (
            "rule = 1",
            "line 1, column 8: this must be a list, each element a table, not a whole number",
        ),
        (
            "x = ",
            "line 1, column 5: this is no TOML: string values must be quoted, expected literal string",
        ),
    ] {
        assert_eq!(only_fault(text), wanted, "{text}");
    }
}

#[test]
fn actions_and_plans_that_make_no_sense_are_told() {
    for (rest, wanted) in [
        ("do = {}", "line 6, column 6: nothing here says what to do"),
        (
            "do = { trunk = \"t\", answer = 404 }",
            "line 6, column 6: 'trunk' and 'answer' are two actions; a rule has one",
        ),
        (
            "do = { answer = 404, contacts = \"located\" }",
            "line 6, column 33: 'contacts' does not belong to the action 'answer'",
        ),
        (
            "do = { answer = 180 }",
            "line 6, column 17: '180' is not a final status code, 200 to 699",
        ),
        (
            "do = { redirect = 304, contacts = [\"sip:a@b\"] }",
            "line 6, column 19: '304' is not one of 300, 301, 302, 305 and 380",
        ),
        ("do = { redirect = 302 }", "line 6, column 19: 'redirect' needs 'contacts'"),
        (
            "do = { redirect = 305, contacts = \"located\" }",
            "line 6, column 19: 'redirect' needs exactly one of 'contacts' when it is 305",
        ),
        (
            "do = { send = \"alice@example.org\" }",
            "line 6, column 15: 'alice@example.org' does not make a URI; did you mean \
             'sip:alice@example.org'?",
        ),
        (
            "do = { send = \"sip:$1@example.org\" }",
            "line 6, column 15: no pattern of this rule captures '$1'",
        ),
        (
            "when = { callee = '(?<area>\\d)' }\ndo = { send = \"sip:$aera@example.org\" }",
            "line 7, column 15: no pattern of this rule captures '$aera'; did you mean '$area'?",
        ),
        (
            "when = { callee = '(?<user>\\d)' }\ndo = \"locate\"",
            "line 5, column 8: the capture '$user' has that name already",
        ),
        (
            "do = \"locate\"\non = { \"48x\" = \"next\" }",
            "line 7, column 8: '48x' is not a status code from \"300\" to \"699\", a class such as \
             \"4xx\", or \"no-answer 20s\" with 3m at most; did you mean '4xx'?",
        ),
        (
            "do = \"locate\"\non = { \"486\" = \"nxt\" }",
            "line 7, column 16: 'nxt' is not \"next\", \"forward\", \"locate\", { rule = \"...\" } or \
             an action; did you mean 'next'?",
        ),
        (
            "do = \"locate\"\non = { \"4XX\" = \"next\", \"4xx\" = \"next\" }",
            "line 7, column 24: '4xx' stands here twice",
        ),
        (
            "do = \"locate\"\non = { \"486\" = { rule = \"our user\" } }",
            "line 7, column 25: there is no rule 'our user'; did you mean 'our users'?",
        ),
        (
            "do = \"locate\"\non = { \"486\" = { rule = \"r\" } }",
            "line 5, column 8: rules hand over to each other for ever: r -> r",
        ),
        (
            "do = { answer = 480, headers = { \"Call-ID\" = \"1\" } }",
            "line 6, column 34: 'Call-ID' is not a header field that a rule may set",
        ),
        (
            "do = { answer = 480, reason = \"a\\r\\nVia: b\" }",
            "line 6, column 31: 'a\r\nVia: b' is not a text on one line",
        ),
        (
            "when = { method = \"invite\" }\ndo = \"locate\"",
            "line 6, column 19: 'invite' is not a method such as \"INVITE\"; did you mean 'INVITE'?",
        ),
        ("when = { method = [] }\ndo = \"locate\"", "line 6, column 19: the list is empty"),
        (
            "when = { hours = \"8-18\" }\ndo = \"locate\"",
            "line 6, column 18: '8-18' is not hours such as \"08:00-18:00\"; did you mean \
             '08:00-18:00'?",
        ),
        (
            "when = { weekdays = \"monday-friday\" }\ndo = \"locate\"",
            "line 6, column 21: 'monday-friday' is not weekdays such as \"mon-fri\" or \"sat\"; did \
             you mean 'mon-fri'?",
        ),
    ] {
        assert_eq!(only_fault(&rule(rest)), wanted, "{rest}");
    }
}

#[test]
fn what_needs_state_does_not_go_with_stateless_rfc3261_16_11() {
    for (rest, told) in [
        (
            "do = { fork = [\"sip:a@a.example\"], stateless = true }",
            "line 6, column 48: 'stateless' does not belong to the action 'fork'",
        ),
        (
            "do = { trunk = \"t\", stateless = true }\non = { \"503\" = \"next\" }",
            "line 7, column 8: 'on' needs state, and 'stateless' says that nothing is kept",
        ),
        (
            "do = \"locate\"\non = { \"503\" = { send = \"sip:a@a.example\", stateless = true } }",
            "line 7, column 16: 'on' needs state, and 'stateless' says that nothing is kept",
        ),
        (
            "do = { trunk = \"t\", stateless = true }\nmedia = \"always\"",
            "line 5, column 8: 'media' needs state, and 'stateless' says that nothing is kept",
        ),
    ] {
        assert_eq!(only_fault(&rule(rest)), told);
    }
    let fine = rule("do = { trunk = \"t\", stateless = true }\nmedia = \"never\"");
    assert_eq!(check(&fine).faults, []);
}

const ACCOUNT: &str = "[[trunk]]\nname = \"a\"\nusername = \"u\"\npassword = { env = \"PATH\" }\n\
                       target = [{ host = \"h\" }]\n[[domain]]\nname = \"example.org\"\n";

#[test]
fn what_has_to_be_remembered_does_not_go_with_stateless_rfc3261_16_11() {
    const STATELESS: &str = "do = { trunk = \"t\", stateless = true }";
    let ours = "users of ours have to be looked up; did you mean no 'stateless' here?";
    let later = |key: &str| {
        format!(
            "a request that comes again has to go the same way, and '{key}' may say otherwise by \
             then; did you mean no 'stateless' here?"
        )
    };
    for (rest, told) in [
        (
            "do = { trunk = \"a\", stateless = true }".to_owned(),
            "line 6, column 6: 'stateless' does not go here: who answers the challenges of trunk \
             'a' has to keep the request; did you mean no 'stateless' here?"
                .to_owned(),
        ),
        (
            "do = { send = \"sip:$user@Example.org\", stateless = true }".to_owned(),
            format!("line 6, column 6: 'stateless' does not go here: {ours}"),
        ),
        (
            format!("when = {{ hours = \"08:00-18:00\" }}\n{STATELESS}"),
            format!("line 7, column 6: 'stateless' does not go here: {}", later("hours")),
        ),
        (
            format!("when = {{ weekdays = \"mon-fri\" }}\n{STATELESS}"),
            format!("line 7, column 6: 'stateless' does not go here: {}", later("weekdays")),
        ),
        (
            format!("when = {{ trunk_up = \"t\" }}\n{STATELESS}"),
            format!("line 7, column 6: 'stateless' does not go here: {}", later("trunk_up")),
        ),
        (
            format!("when = {{ trunk_down = \"a\" }}\n{STATELESS}"),
            format!("line 7, column 6: 'stateless' does not go here: {}", later("trunk_down")),
        ),
        (
            format!("when = {{ authenticated = true }}\n{STATELESS}"),
            "line 7, column 6: 'stateless' does not go here: 'authenticated' needs credentials, \
             which are good for one request; did you mean no 'stateless' here?"
                .to_owned(),
        ),
    ] {
        let text = format!("{}\n{ACCOUNT}", rule(&rest));
        assert_eq!(only_fault(&text), told, "{rest}");
        let with_state = text.replace(", stateless = true", "");
        assert_eq!(check(&with_state).faults, [], "{rest}");
    }
    let elsewhere = "do = { send = \"sip:x@example.org:5090\", stateless = true }";
    assert_eq!(check(&format!("{}\n{ACCOUNT}", rule(elsewhere))).faults, []);
}

#[test]
fn a_call_that_is_relayed_has_state_and_a_relay() {
    let relayed = |rest: &str, media: &str| format!("{}\n[media]\n{media}\n", rule(rest));
    let stateless = "do = { trunk = \"t\", stateless = true }";
    let all = "rtpengine = [\"127.0.0.1:2223\"]\nrelay = \"always\"";
    assert_eq!(
        only_fault(&relayed(stateless, all)),
        "line 6, column 6: 'stateless' does not go here: 'relay' of [media] has every call \
         relayed; did you mean media = \"never\"?"
    );
    assert_eq!(check(&relayed(&format!("media = \"never\"\n{stateless}"), all)).faults, []);
    assert_eq!(check(&relayed(stateless, "rtpengine = [\"127.0.0.1:2223\"]")).faults, []);
    assert_eq!(
        only_fault(&rule("do = \"locate\"\nmedia = \"always\"")),
        "line 5, column 8: 'media' needs 'rtpengine' in [media]"
    );
    assert_eq!(
        only_fault("[media]\nrelay = \"always\""),
        "line 2, column 9: 'relay' needs 'rtpengine'"
    );
}

#[test]
fn what_would_never_be_done_is_told() {
    for (rest, told) in [
        (
            "do = { answer = 404 }\non = { \"404\" = \"next\" }",
            "line 7, column 8: 'on' is for answers, and 'answer' sends nothing on that has any",
        ),
        (
            "do = { redirect = 302, contacts = [\"sip:a@b\"] }\non = { \"404\" = \"forward\" }",
            "line 7, column 8: 'on' is for answers, and 'redirect' sends nothing on that has any",
        ),
        (
            "when = { method = \"MESSAGE\" }\ndo = \"locate\"\non = { \"no-answer 5s\" = \"next\" }",
            "line 8, column 8: only INVITE is waited for, and no INVITE meets this rule",
        ),
        (
            "when = { local = false }\ndo = \"locate\"",
            "line 7, column 6: 'locate' finds nobody here: the rule is for those who are not ours",
        ),
    ] {
        assert_eq!(warnings(&rule(rest)), [told], "{rest}");
    }
    let nobody = format!("{}\n{ACCOUNT}", rule("do = { locate = \"sip:bob@elsewhere.example\" }"));
    assert_eq!(
        warnings(&nobody),
        ["line 6, column 6: 'locate' finds nobody at 'elsewhere.example', which is no domain of \
             ours"]
    );
    let located = "do = { redirect = 302, contacts = \"located\" }\non = { \"480\" = \"forward\" }";
    assert_eq!(warnings(&rule(located)), [""; 0]);
}

#[test]
fn a_trunk_that_cannot_be_what_it_says_is_told() {
    let text = "[[domain]]\nname = \"a\"\naliases = [\"b\"]\n[[trunk]]\nname = \"t\"\n\
                target = [{ host = \"h\" }]\nusername = \"u\"\npassword = { env = \"PATH\" }\n\
                register = { aor = \"sip:x@B\" }\n";
    assert_eq!(
        only_fault(text),
        "line 9, column 12: 'register' needs 'registrar': the domain of 'aor' is one of ours"
    );
    let registrar = text.replace("sip:x@B\"", "sip:x@B\", registrar = \"sip:carrier.example\"");
    assert_eq!(check(&registrar).faults, []);
    let by = |listen: &str| {
        let text = format!(
            "{listen}[[trunk]]\nname = \"t\"\ntransport = \"tls\"\n\
                            target = [{{ host = \"h\" }}]\n"
        );
        warnings(&text)
    };
    assert_eq!(
        by("listen = [\"udp:192.0.2.1:5060\"]\n"),
        ["line 3, column 8: nothing can be sent by 'tls': no listener has it"]
    );
    assert_eq!(by(""), [""; 0], "--listen may say so");
}

#[test]
fn an_edge_is_in_front_of_somebody_else_rfc5626_5() {
    assert_eq!(
        only_fault("edge_for = [\"b.example\", \"a.example\"]\n[[domain]]\nname = \"a.example\"\n"),
        "line 1, column 26: 'a.example' is not the domain of another registrar"
    );
    assert_eq!(
        only_fault("edge_for = [\"b\"]\n[[domain]]\nname = \"a\"\naliases = [\"B\"]\n"),
        "line 1, column 13: 'b' is not the domain of another registrar"
    );
    assert_eq!(only_fault("edge_for = [\"b\", \"B\"]"), "line 1, column 18: 'b' stands here twice");
}

#[test]
fn a_row_of_rules_that_is_too_long_is_told() {
    let chain = |length: usize| {
        let rules = (0..length).map(|at| {
            let on = format!("on = {{ \"486\" = {{ rule = \"r{}\" }} }}", at + 1);
            let on = if at + 1 < length { on } else { String::new() };
            format!(
                "[[rule]]\nname = \"r{at}\"\nwhen = {{ callee = '{at}' }}\ndo = \"locate\"\n{on}\n"
            )
        });
        rules.collect::<String>()
    };
    assert!(check(&chain(16)).config.is_some());
    assert!(check(&chain(17)).config.is_none());
    let long = check(&chain(500));
    assert!(long.faults[0].to_string().contains("more than 16 rules hand over in a row"));
}

#[test]
fn where_the_text_is_no_toml_the_rest_is_still_read() {
    let told = faults("listen = [\"udp:1.2.3.4:5060\"\n[registrar]\nmax_contcts = 1\n");
    assert!(told.iter().any(|line| line.contains("this is no TOML")), "{told:?}");
    let told = faults("trusted = \n[registrar]\nmax_contcts = 1\n");
    assert!(told.iter().any(|line| line.contains("did you mean 'max_contacts'")), "{told:?}");
}

#[test]
fn a_secret_is_never_told() {
    let text = "[[trunk]]\nname = \"t\"\nusername = \"u\"\npassword = \"hunter2\"\n\
                target = [{ host = \"h\" }]\n";
    assert!(!format!("{:?}", config(text)).contains("hunter2"));
    let told = faults(&text.replace("username = \"u\"\n", ""));
    assert!(!told.concat().contains("hunter2"), "{told:?}");
}
