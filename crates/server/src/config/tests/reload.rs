//! What a new configuration changes.

use super::*;

#[test]
fn a_change_says_what_it_touches_and_what_needs_a_restart() {
    let old = config("[[rule]]\nname = \"a\"\ndo = \"locate\"\n");
    let moved = config("\n\n# a word\n[[rule]]\nname = \"a\"\ndo = \"locate\"\n");
    assert!(Changes::between(&old, &moved).is_empty());
    assert_eq!(Changes::between(&old, &moved).to_string(), "nothing changed");
    let new = config(
        "listen = [\"udp:127.0.0.1:5070\"]\n[registrar]\nmax_contacts = 3\n\
         [[rule]]\nname = \"a\"\ndo = { answer = 404 }\n",
    );
    let changes = Changes::between(&old, &new);
    assert_eq!(
        changes.to_string(),
        "changed: listen, registrar, rule; taken over only by a restart: listen"
    );
    let data = config("data = \"/elsewhere\"\n[[rule]]\nname = \"a\"\ndo = \"locate\"\n");
    let changes = Changes::between(&old, &data);
    assert_eq!(changes.needing_a_restart().collect::<Vec<_>>(), [Part::Data]);
}

#[test]
fn every_part_is_compared() {
    let old = config("");
    for (text, part) in [
        ("listen = []", Part::Listen),
        ("[[certificate]]\nchain = \"c\"\nkey = \"k\"", Part::Certificates),
        ("[tls]\ntrusted = [\"c\"]", Part::Tls),
        ("[tls]\nkey_log = \"k\"", Part::Tls),
        ("[network]\nname = \"sip.example.org\"", Part::Network),
        ("data = \"x\"", Part::Data),
        ("trusted = [\"::1\"]", Part::Trusted),
        ("default_rules = false", Part::Rules),
        ("[[domain]]\nname = \"a\"", Part::Domains),
        ("[registrar]\nmax_contacts = 1", Part::Registrar),
        ("[admin]\nlisten = \"127.0.0.1:1\"", Part::Admin),
        ("[bans]\nenabled = false", Part::Bans),
        ("[media]\nrelay = \"never\"", Part::Media),
        ("[media]\nrtpengine = [\"192.0.2.99:2223\"]", Part::MediaRelays),
        ("[[trunk]]\nname = \"t\"\ntarget = [{ host = \"h\" }]", Part::Trunks),
    ] {
        let changes = Changes::between(&old, &config(text));
        assert_eq!(changes.parts().collect::<Vec<_>>(), [part], "{text}");
    }
}
