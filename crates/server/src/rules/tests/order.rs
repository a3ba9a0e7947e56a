//! First match wins, and what holds without any rule.

use super::*;

#[test]
fn the_first_rule_that_matches_decides() {
    let config = world(
        "[[rule]]\nname = \"a\"\nwhen = { callee = 'a.*' }\ndo = { answer = 486 }\n\
         [[rule]]\nname = \"b\"\nwhen = { callee = '.*b' }\ndo = { answer = 404 }\n",
    );
    assert_eq!(said(&config, &question("INVITE sip:ab@example.org")), "answer 486 Busy Here");
    assert_eq!(said(&config, &question("INVITE sip:b@example.org")), "answer 404 Not Found");
    let other = decided(&config, &question("INVITE sip:c@example.org"));
    assert_eq!(other.step.rule.as_deref(), Some("our users"));
}

#[test]
fn without_a_rule_of_ones_own_users_are_reached_and_friends_get_out() {
    let config = world("");
    let bob = question("INVITE sip:bob@example.org");
    assert_eq!(said(&config, &bob), "go where sip:bob@example.org is registered");
    let alias = question("INVITE sip:bob@192.0.2.1:5060");
    assert_eq!(said(&config, &alias), "go where sip:bob@192.0.2.1:5060 is registered");
    let moved = question("INVITE sip:bob@moved.example.org");
    assert_eq!(
        said(&config, &moved),
        "redirect with 302 Moved Temporarily to where sip:bob@moved.example.org is registered"
    );
    let out = "INVITE sip:carol@elsewhere.example;transport=tcp";
    assert_eq!(said(&config, &question(out)), "ask the sender to sign in");
    let target = "go to sip:carol@elsewhere.example;transport=tcp";
    assert_eq!(said(&config, &friend(out)), target);
    assert_eq!(said(&config, &Question { source: TRUSTED, ..question(out) }), target);
    // Another port than ours is another's.
    let phone = "INVITE sip:bob@192.0.2.1:40000";
    assert_eq!(said(&config, &question(phone)), "ask the sender to sign in");
}

#[test]
fn what_no_rule_takes_is_answered_404() {
    let config = world("").clone();
    let none = check("default_rules = false").config.unwrap();
    assert!(decided(&config, &question("INVITE sip:a@example.org")).step.rule.is_some());
    let decision = decided(&none, &question("INVITE sip:a@example.org"));
    assert_eq!(decision.step.rule, None);
    assert_eq!(decision.step.outcome.to_string(), "answer 404 Not Found");
}

#[test]
fn strangers_use_a_trunk_only_where_a_rule_is_open() {
    let rule = "[[rule]]\nname = \"out\"\ndo = { trunk = \"carrier\" }\n";
    let closed = world(rule);
    let call = "INVITE sip:+44123@example.org";
    assert_eq!(decided(&closed, &question(call)).step.outcome, Outcome::SignIn);
    assert_eq!(said(&closed, &friend(call)), "go to +44123 through trunk 'carrier'");
    let open = world(&format!("{rule}open = true\n"));
    assert_eq!(said(&open, &question(call)), "go to +44123 through trunk 'carrier'");
}

#[test]
fn strangers_have_no_say_in_where_a_closed_rule_sends() {
    for (action, is_closed) in [
        ("{ send = \"sip:desk@elsewhere.example\" }", false),
        ("{ send = \"sip:$user@elsewhere.example\" }", true),
        ("{ fork = [\"sip:a@b.example\", { trunk = \"carrier\" }] }", true),
        ("{ fork = [\"sip:a@b.example\", \"$uri\"] }", true),
        ("{ voicemail = \"sip:$user@vm.example\" }", false),
        ("{ voicemail = \"sip:vm@$host\" }", true),
        ("{ locate = \"sip:$user@example.org\" }", false),
        ("{ redirect = 302, contacts = [\"$uri\"] }", false),
    ] {
        let config = world(&format!("[[rule]]\nname = \"r\"\ndo = {action}\n"));
        let outcome = &decided(&config, &question("INVITE sip:a@example.org")).step.outcome;
        assert_eq!(*outcome == Outcome::SignIn, is_closed, "{action}");
    }
}
