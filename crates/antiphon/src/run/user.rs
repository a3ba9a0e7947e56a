//! Accounts.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use antiphon_core::auth::Ha1Set;
use antiphon_store::{Account, Accounts};
use serde_json::json;

use super::data;
use crate::cli::server::{NamedAccount, User, UserAction};
use crate::cli::value::AccountName;
use crate::fault::Fault;
use crate::terminal;

pub(crate) fn run(user: User) -> Result<ExitCode, Fault> {
    let accounts = Accounts::at(&data::directory(user.directory)?);
    match user.action {
        UserAction::Add(named) => add(&accounts, named, user.json)?,
        UserAction::Remove { account } => remove(&accounts, account, user.json)?,
        UserAction::Passwd(named) => change(&accounts, named, user.json)?,
        UserAction::List => list(&accounts, user.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A password, and whether it was made here and must be shown.
struct Password {
    text: String,
    made: bool,
}

fn add(accounts: &Accounts, named: NamedAccount, json: bool) -> Result<(), Fault> {
    let NamedAccount { account: name, password } = named;
    let password = choose(password)?;
    // The realm is the domain.
    let ha1 = Ha1Set::compute(&name.user, &name.domain, &password.text);
    match accounts.add(&Account::new(&name.user, &name.domain, ha1)) {
        Ok(()) => tell("added", &name, Some(&password), json),
        Err(error) => return Err(Fault::Account(name, error)),
    }
    Ok(())
}

fn change(accounts: &Accounts, named: NamedAccount, json: bool) -> Result<(), Fault> {
    let NamedAccount { account: name, password } = named;
    // Whether there is such an account is known before anybody thinks of a password.
    let account = match accounts.account(&name.user, &name.domain) {
        Ok(account) => account,
        Err(error) => return Err(Fault::Account(name, error)),
    };
    let password = choose(password)?;
    let ha1 = Ha1Set::compute(&name.user, &account.subscriber.realm, &password.text);
    match accounts.set_ha1(&name.user, &name.domain, ha1) {
        Ok(()) => tell("changed", &name, Some(&password), json),
        Err(error) => return Err(Fault::Account(name, error)),
    }
    Ok(())
}

fn remove(accounts: &Accounts, name: AccountName, json: bool) -> Result<(), Fault> {
    match accounts.remove(&name.user, &name.domain) {
        Ok(()) => tell("removed", &name, None, json),
        Err(error) => return Err(Fault::Account(name, error)),
    }
    Ok(())
}

fn list(accounts: &Accounts, json: bool) -> Result<(), Fault> {
    let all = accounts.list().map_err(Fault::Accounts)?;
    if all.is_empty() && !json {
        terminal::note("There are no accounts: add one with 'antiphon user add USER@DOMAIN'.");
    }
    for Account { user, domain, .. } in all {
        if json {
            let object = json!({ "event": "account", "user": user, "domain": domain });
            terminal::print(&format!("{object}\n"));
        } else {
            terminal::print(&format!("{user}@{domain}\n"));
        }
    }
    Ok(())
}

/// The password that was given, asked for on a terminal, or made.
fn choose(given: Option<String>) -> Result<Password, Fault> {
    let typed = match given {
        Some(given) => Some(given),
        None if io::stdin().is_terminal() => {
            let prompt = "Password (empty: one is made): ";
            Some(rpassword::prompt_password(prompt).map_err(Fault::Password)?)
        }
        None => None,
    };
    match typed.filter(|typed| !typed.is_empty()) {
        Some(text) => Ok(Password { text, made: false }),
        None => {
            let text = antiphon_server::password().ok_or(Fault::Random)?;
            Ok(Password { text, made: true })
        }
    }
}

fn tell(what: &str, name: &AccountName, password: Option<&Password>, json: bool) {
    let made = password.filter(|password| password.made).map(|password| password.text.as_str());
    if json {
        let object = json!({
            "event": format!("account_{what}"),
            "user": name.user,
            "domain": name.domain,
            "password": made,
        });
        terminal::print(&format!("{object}\n"));
    } else {
        let made = made.map_or_else(String::new, |made| {
            format!("\nIts password is {made} and is not shown again.")
        });
        terminal::print(&format!("The account {name} is {what}.{made}\n"));
    }
}
