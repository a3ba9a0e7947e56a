//! What `antiphon route` shows.

use super::*;

const RULES: &str = r#"
[[rule]]
name = "night"
when = { hours = "22:00-06:00" }
do = { answer = 480 }

[[rule]]
name = "abroad"
when = { callee = '00(\d+)', trunk_up = "carrier" }
do = { trunk = "carrier", user = "+$1" }
on = { "503" = "next", "4xx" = { rule = "sorry" }, "no-answer 30s" = { voicemail = "sip:vm@example.org" } }

[[rule]]
name = "sorry"
when = { header = { Subject = '.*' } }
do = { answer = 404, reason = "No such number" }
"#;

fn explained(question: &Question<'_>) -> String {
    route(&world(RULES), question).unwrap().to_string()
}

#[test]
fn every_rule_is_named_that_was_looked_at_and_why_it_did_not_match() {
    let call =
        Question { headers: &[("Subject", "hi")], ..friend("INVITE sip:0033123@example.org") };
    assert_eq!(
        explained(&call),
        "rule 'night' (line 17): no, 'hours' wants 22:00-06:00, found wed 09:30\n\
         rule 'abroad' (line 22): matches\n\
         then: go to +33123 through trunk 'carrier'\n  \
           on 503: the next target\n  \
           on 4xx: answer 404 No such number\n  \
           on no-answer 30s: hand over to voicemail at sip:vm@example.org\n"
    );
    let down: DownTrunks = ["carrier"].into_iter().collect();
    let call = Question { down: &down, ..question("INVITE sip:0033123@elsewhere.example") };
    assert_eq!(
        explained(&call),
        "rule 'night' (line 17): no, 'hours' wants 22:00-06:00, found wed 09:30\n\
         rule 'abroad' (line 22): no, 'trunk_up' wants carrier, found carrier down\n\
         rule 'sorry' (line 28): no, 'header' wants Subject: .*, found nothing\n\
         rule 'tell where our users are' (built in): no, 'role' wants redirect, found none\n\
         rule 'our users' (built in): no, 'local' wants true, found false\n\
         rule 'everybody else' (built in): matches\n\
         then: ask the sender to sign in\n"
    );
}

#[test]
fn when_nothing_matches_that_is_said() {
    let config = check("default_rules = false").config.unwrap();
    let explanation = route(&config, &question("OPTIONS sip:a@b.example")).unwrap();
    assert_eq!(explanation.to_string(), "no rule matched\nthen: answer 404 Not Found\n");
}

#[test]
fn a_question_that_is_none_is_refused() {
    let config = world("");
    let ask = |request| route(&config, &question(request)).map(drop);
    assert_eq!(ask("INVITE"), Err(QuestionError::NoUri));
    assert_eq!(ask("IN(VITE sip:a@b"), Err(QuestionError::NoMethod));
    assert!(matches!(ask("INVITE bob"), Err(QuestionError::Uri(_))));
    let from = Question { from: Some("x"), ..question("INVITE sip:a@b") };
    assert!(matches!(route(&config, &from), Err(QuestionError::From(_))));
}
