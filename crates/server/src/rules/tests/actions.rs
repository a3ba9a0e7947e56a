//! Each action, and the captures in it.

use super::*;

fn done(when: &str, action: &str, request: &str) -> String {
    let config = world(&format!(
        "[[rule]]\nname = \"it\"\nwhen = {{ {when} }}\ndo = {action}\nopen = true\n"
    ));
    said(&config, &question(request))
}

#[test]
fn every_action_says_what_it_does() {
    for (action, wanted) in [
        ("\"locate\"", "go where sip:bob@example.org is registered"),
        ("{ locate = \"sip:desk@example.org\" }", "go where sip:desk@example.org is registered"),
        ("{ trunk = \"carrier\" }", "go to bob through trunk 'carrier'"),
        ("{ trunk = \"carrier\", user = \"+1$user\" }", "go to +1bob through trunk 'carrier'"),
        (
            "{ send = \"sips:$user@h.example;transport=tcp\" }",
            "go to sips:bob@h.example;transport=tcp",
        ),
        (
            "{ fork = [\"sip:a@b\", { uri = \"sip:c@d\", q = 0.25 }, { trunk = \"spare\", user = \"9\", q = 0 }] }",
            "go to sip:a@b, sip:c@d (q 0.25), 9 through trunk 'spare' (q 0.0)",
        ),
        (
            "{ redirect = 300, contacts = [\"sip:a@b\", { uri = \"sip:$user@d\", q = 0.5, expires = \"2h\" }] }",
            "redirect with 300 Multiple Choices to sip:a@b, sip:bob@d (q 0.5) for 2h",
        ),
        (
            "{ redirect = 301, contacts = \"located\" }",
            "redirect with 301 Moved Permanently to where sip:bob@example.org is registered",
        ),
        (
            "{ redirect = 302, contacts = [\"sip:a@b\"] }",
            "redirect with 302 Moved Temporarily to sip:a@b",
        ),
        ("{ redirect = 305, contacts = [\"sip:p@q\"] }", "redirect with 305 Use Proxy to sip:p@q"),
        ("{ redirect = 380, body = \"Write.\" }", "redirect with 380 Alternative Service"),
        (
            "{ answer = 480, reason = \"Gone\", headers = { Retry-After = \"60\" } }",
            "answer 480 Gone, Retry-After: 60",
        ),
        ("{ answer = 699 }", "answer 699 "),
        (
            "{ voicemail = \"sip:$user@vm.example\" }",
            "hand over to voicemail at sip:bob@vm.example",
        ),
    ] {
        let said = done("", action, "INVITE sip:bob@example.org");
        assert!(said.starts_with(wanted), "{action}: {said}");
    }
}

#[test]
fn the_body_of_a_redirection_has_a_type() {
    let config = world(
        "[[rule]]\nname = \"it\"\ndo = { redirect = 380, body = \"<a/>\", body_type = \"text/html\" }\n",
    );
    let decision = decided(&config, &question("INVITE sip:bob@example.org"));
    let Outcome::Redirect(redirect) = &decision.step.outcome else { panic!("{decision:?}") };
    assert_eq!(redirect.body, Some(("text/html".into(), "<a/>".into())));
}

#[test]
fn numbers_are_rewritten() {
    for (pattern, user, number, wanted) in [
        ("0(?<area>[1-9]\\d+)", "+44$area", "02079460123", "+442079460123"),
        ("00(\\d+)", "+$1", "00331234", "+331234"),
        ("(\\d{3})(\\d+)", "${2}0$1", "123456", "4560123"),
        ("(\\d)(x)?(\\d)", "$1-$2-$3", "12", "1--2"),
        (".*", "$$$user", "7", "$7"),
    ] {
        let when = format!("callee = '{pattern}'");
        let action = format!("{{ trunk = \"carrier\", user = \"{user}\" }}");
        let request = format!("INVITE sip:{number}@example.org");
        let wanted = format!("go to {wanted} through trunk 'carrier'");
        assert_eq!(done(&when, &action, &request), wanted);
    }
}

#[test]
fn patterns_capture_in_the_order_uri_callee_caller_header() {
    let config = world(
        "[[rule]]\nname = \"it\"\nopen = true\n\
         when = { header = { Subject = '(.*)' }, caller = '(.*)', callee = '(.*)', uri = 'sip:(.*)@.*' }\n\
         do = { trunk = \"carrier\", user = \"$1,$2,$3,$4,$caller\" }\n",
    );
    let call = Question {
        from: Some("sip:al@example.com"),
        headers: &[("Subject", "x y")],
        ..question("INVITE sip:b%6fb@example.org")
    };
    assert_eq!(said(&config, &call), "go to b%6fb,bob,al,x%20y,al through trunk 'carrier'");
}

#[test]
fn nobody_writes_a_host_into_a_captured_user() {
    let config = world(
        "[[rule]]\nname = \"it\"\nopen = true\nwhen = { callee = '(.*)' }\n\
         do = { send = \"sip:$1@safe.example\" }\n",
    );
    let call = question("INVITE sip:x%40evil.example%3Bmaddr=1.2.3.4%3E@example.org");
    let decision = decided(&config, &call);
    let Outcome::Forward(hops) = &decision.step.outcome else { panic!("{decision:?}") };
    let Destination::Uri(uri) = &hops[0].to else { panic!("{hops:?}") };
    let uri = uri.as_uri();
    assert_eq!(uri.as_sip().unwrap().host.to_string(), "safe.example");
    assert!(uri.as_sip().unwrap().params.is_empty());
}

#[test]
fn what_makes_no_uri_of_a_request_is_answered_404() {
    let said = done("callee = '(.*)'", "{ send = \"sip:a@$1\" }", "INVITE sip:%20@example.org");
    assert_eq!(said, "answer 404 Not Found");
    let said = done("", "{ trunk = \"carrier\" }", "INVITE sip:example.org");
    assert_eq!(said, "answer 404 Not Found");
}
