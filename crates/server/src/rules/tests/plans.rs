//! What follows which answer.

use std::time::Duration;

use antiphon_sip::StatusCode;

use super::*;

fn code(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap()
}

#[test]
fn answers_lead_on_by_code_class_and_silence() {
    let config = world(
        r#"
[[rule]]
name = "users"
when = { local = true, callee = '(\w+)' }
do = "locate"
on = { "486" = { voicemail = "sip:$1@vm.example" }, "503" = "next", "4xx" = "forward", "no-answer 20s" = { fork = ["sip:desk@example.org"] }, "6xx" = { rule = "closed" } }
[[rule]]
name = "closed"
do = { answer = 480 }
"#,
    );
    let step = decided(&config, &question("INVITE sip:bob@example.org")).step;
    assert_eq!(
        step.plan.answer(code(486)).unwrap().to_string(),
        "hand over to voicemail at sip:bob@vm.example"
    );
    assert_eq!(step.plan.answer(code(503)), Some(&Then::Next));
    assert_eq!(step.plan.answer(code(404)), Some(&Then::Forward));
    assert_eq!(step.plan.answer(code(500)), None);
    let (wait, then) = step.plan.no_answer().unwrap();
    assert_eq!(wait, Duration::from_secs(20));
    assert_eq!(then.to_string(), "go to sip:desk@example.org");
    let Some(Then::Do(closed)) = step.plan.answer(code(603)) else { panic!("{step:?}") };
    assert_eq!(closed.rule.as_deref(), Some("closed"));
    assert_eq!(closed.outcome.to_string(), "answer 480 Temporarily Unavailable");
}

#[test]
fn a_rule_takes_over_only_when_its_conditions_hold() {
    let config = world(
        "[[rule]]\nname = \"a\"\nwhen = { callee = 'a.*' }\ndo = \"locate\"\n\
         on = { \"486\" = { rule = \"b\" } }\n\
         [[rule]]\nname = \"b\"\nwhen = { callee = '.(b)' }\ndo = { send = \"sip:x$1@h.example\" }\n",
    );
    let plan = |request| decided(&config, &friend(request)).step.plan.clone();
    let taken = plan("INVITE sip:ab@example.org");
    assert_eq!(taken.answer(code(486)).unwrap().to_string(), "go to sip:xb@h.example");
    let not_taken = plan("INVITE sip:ac@example.org");
    assert_eq!(not_taken.answer(code(486)), Some(&Then::Forward));
}

#[test]
fn no_answer_opens_a_trunk_to_strangers() {
    let rules = "[[rule]]\nname = \"a\"\nwhen = { local = true }\ndo = \"locate\"\n\
                 on = { \"486\" = { trunk = \"carrier\" }, \"404\" = { rule = \"b\" } }\n\
                 [[rule]]\nname = \"b\"\ndo = { trunk = \"spare\" }\n";
    let config = world(rules);
    let plan = decided(&config, &question("INVITE sip:bob@example.org")).step.plan.clone();
    assert_eq!(plan.answer(code(486)), Some(&Then::Forward));
    assert_eq!(plan.answer(code(404)), Some(&Then::Forward));
    let plan = decided(&config, &friend("INVITE sip:bob@example.org")).step.plan.clone();
    assert!(matches!(plan.answer(code(486)), Some(Then::Do(_))));
    assert!(matches!(plan.answer(code(404)), Some(Then::Do(_))));
}

#[test]
fn rules_that_share_successors_are_worked_out_once() {
    // 15 layers, each leading on in three ways: 3^15 walks, but 15 steps.
    let layers = (0..15).map(|at| {
        let to = format!("{{ rule = \"r{}\" }}", at + 1);
        format!(
            "[[rule]]\nname = \"r{at}\"\ndo = {{ answer = 404 }}\n\
             on = {{ \"4xx\" = {to}, \"5xx\" = {to}, \"6xx\" = {to} }}\n"
        )
    });
    let last = "[[rule]]\nname = \"r15\"\ndo = { answer = 410 }\n";
    let config = world(&format!("{}{last}", layers.collect::<String>()));
    let mut step = decided(&config, &question("INVITE sip:bob@example.org")).step;
    for _ in 0..15 {
        let Some(Then::Do(next)) = step.plan.answer(code(500)) else { panic!("too short") };
        step = next.clone();
    }
    assert_eq!(step.outcome.to_string(), "answer 410 Gone");
}
