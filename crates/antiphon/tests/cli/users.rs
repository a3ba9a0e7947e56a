//! Accounts.

use std::path::Path;

use tempfile::TempDir;

use crate::program::run_in;

#[test]
fn accounts_are_added_listed_changed_and_removed() {
    let home = TempDir::new().unwrap();
    let user = |arguments: &[&str]| {
        let all: Vec<&str> = ["user"].iter().chain(arguments).copied().collect();
        run_in(home.path(), &all)
    };
    let added = user(&["add", "alice@Example.org", "--password", "wonderland"]);
    assert_eq!(added.status, Some(0), "{added:?}");
    assert_eq!(added.stdout, "The account alice@example.org is added.\n");
    assert!(home.path().join(".local/share/antiphon").is_dir());

    let again = user(&["add", "alice@example.org", "--password", "x"]);
    assert_eq!(again.status, Some(2));
    assert!(again.stderr.contains("alice@example.org"), "{again:?}");

    assert_eq!(user(&["list"]).stdout, "alice@example.org\n");
    assert_eq!(user(&["passwd", "alice@example.org", "--password", "y"]).status, Some(0));
    assert_eq!(user(&["passwd", "bob@example.org", "--password", "y"]).status, Some(2));
    assert_eq!(user(&["remove", "alice@example.org"]).status, Some(0));
    assert_eq!(user(&["remove", "alice@example.org"]).status, Some(2));
    assert_eq!(user(&["list"]).stdout, "");
}

#[test]
fn a_password_is_made_where_nobody_can_be_asked() {
    let home = TempDir::new().unwrap();
    let added = run_in(home.path(), &["user", "add", "alice@example.org", "--json"]);
    let object = added.outcome();
    assert_eq!(object["event"], "account_added");
    assert_eq!((&object["user"], &object["domain"]), (&"alice".into(), &"example.org".into()));
    let password = object["password"].as_str().unwrap();
    assert!(password.len() >= 16, "{object}");
    assert!(!anywhere_below(home.path(), password.as_bytes()), "a password is stored");
    let listed = run_in(home.path(), &["user", "list", "--json"]).outcome();
    let expected = serde_json::json!({
        "event": "account", "user": "alice", "domain": "example.org"
    });
    assert_eq!(listed, expected);
}

fn anywhere_below(directory: &Path, octets: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return anywhere_below(&path, octets);
        }
        std::fs::read(path).unwrap().windows(octets.len()).any(|window| window == octets)
    })
}
