//! What the caller hears of a fork when its branches end in different ways: the ranking of
//! RFC 3261 §16.7 step 6, over all combinations of classes and one to twelve branches.

use antiphon_sip::HeaderName;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

/// What a branch may end with, and what the caller hears when nothing above it was said. A 2xx comes
/// late enough for a 6xx to end it (§16.7 step 5).
const CLASSES: [(u16, u16); 7] =
    [(603, 603), (200, 200), (302, 302), (407, 407), (486, 486), (500, 500), (503, 500)];

const MOST_BRANCHES: u8 = 12;

fn script(code: u16) -> Script {
    match code {
        200 => Script::answers(1),
        302 => Script::refuses(code).with(HeaderName::Contact, "<sip:bob@elsewhere.example>"),
        407 => {
            let challenge = "Digest realm=\"elsewhere.example\", nonce=\"1\", algorithm=MD5";
            Script::refuses(code).with(HeaderName::ProxyAuthenticate, challenge)
        }
        _ => Script::refuses(code),
    }
}

/// The classes of a combination, best first.
fn combination(bits: usize) -> Vec<(u16, u16)> {
    let is_in = |at: &usize| bits & (1 << at) != 0;
    (0..CLASSES.len()).filter(is_in).map(|at| CLASSES[at]).collect()
}

/// Calls a user with so many phones, which answer with the classes in turn, and tells what is heard.
fn heard(branches: u8, classes: &[(u16, u16)]) -> u16 {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    // Which class stands first is another one for each number of branches.
    let codes = classes.iter().cycle().skip(usize::from(branches));
    for (number, (code, _)) in (0..branches).zip(codes) {
        let address = format!("192.0.2.{}:5060", 20 + number);
        world.bind("bob", &format!("sip:bob@{address}"), 1000);
        world.phone(&format!("phone-{number}"), &address, script(*code));
    }
    let status = world.status(alice, &Text::invite("sip:bob@example.org"));
    world.settle();
    status
}

#[test]
fn step_6_one_to_twelve_branches_with_all_combinations_of_answers_rfc3261_16_7() {
    for bits in 1..1 << CLASSES.len() {
        let classes = combination(bits);
        let (_, best) = classes[0];
        for branches in 1..=MOST_BRANCHES {
            if classes.len() <= usize::from(branches) {
                assert_eq!(heard(branches, &classes), best, "{branches} branches: {classes:?}");
            }
        }
    }
}
