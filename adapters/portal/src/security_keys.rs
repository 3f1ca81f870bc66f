//! The security keys of whoever is signed in: what they are called, adding one, removing one. For accounts kept here.
//!
//! A key that was made for another host answers no page of this one: it is listed as such, and may only be removed.
//!
//! A key that is added besides another second factor ends no session. The first second factor brings recovery codes and, as a key
//! that is removed, ends every session but this one, which goes on under another secret.

use crate::answer::Answer;
use crate::chain::record;
use crate::clinical::words;
use crate::credentials::{GRACE_SECONDS, Own, anew, codes_page, denied, not_written, own, refused, to_step_up};
use crate::doors::LocalDoor;
use crate::local::{faced, renew};
use crate::pages::{Errors, Here, KeyForm, KeyLine, SecurityKeysPage, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::access::Factor;
use domain::administration::{NotChanged, Renewal};
use domain::audit::Context;
use domain::directory::{Account, MAX_SECURITY_KEYS, SecurityKey};
use domain::id::RecordId;
use domain::journal::Act;
use domain::kind::Kind;
use sso::local::{Reason, Refusal, SecurityKeys, forget_counters};

/// Lists them, for somebody who proved a moment ago who they are.
pub(crate) async fn list(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, .. } = own(visit).await?;
    if !visit.is_fresh(0)? {
        return Ok(to_step_up(PATH));
    }
    page(visit, door, &account, Errors::default()).await
}

/// Adds one by its answer.
pub(crate) async fn add(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, tenant } = own(visit).await?;
    if !visit.is_fresh(GRACE_SECONDS)? {
        return Ok(to_step_up(PATH));
    }
    let name = match name(visit, &account) {
        Ok(name) => name,
        Err(errors) => return page(visit, door, &account, errors).await,
    };
    let added = match answered(visit, door, &account, name).await {
        Ok(added) => added,
        Err(refusal) => {
            refused(visit, "SecurityKeyAdded", &account, refusal).await?;
            let (status, wait, words) = faced(refusal.face(), not_added(refusal));
            let answer = page(visit, door, &account, Errors::one("security-key", words)).await?;
            return Ok(answer.with_status(status).retry_after(wait));
        }
    };
    let first = !account.has_second_factor();
    let drawn = if first { Some(door.accounts.recovery.draw(account.id)?) } else { None };
    let recovery = drawn.as_ref().map(|drawn| drawn.hashes.clone());
    let key = added.id;
    let renewal = Renewal::SecurityKey { since: account.password_changed, key: added, recovery };
    let account = renew(visit, door, &account, renewal).await.map_err(not_written)?;
    done(visit, "SecurityKeyAdded", &account, key).await?;
    match drawn {
        Some(drawn) => anew(visit, tenant, &account, Factor::Shown, codes_page(visit, &drawn.codes)?).await,
        None => Ok(Answer::see("/account/keys?done=added")),
    }
}

/// Removes one; it counts no longer, and neither do sessions that it may have begun elsewhere.
pub(crate) async fn remove(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, tenant } = own(visit).await?;
    if !visit.is_fresh(GRACE_SECONDS)? {
        return Ok(to_step_up(PATH));
    }
    let key: RecordId = visit.form.text("key").parse().map_err(|_| Problem::NotAForm)?;
    let (removed, host) = (known(&account, key), door.accounts.host().map(str::to_owned));
    let renewal = Renewal::RemovedSecurityKey { since: account.password_changed, key, host };
    let account = match renew(visit, door, &account, renewal).await {
        Ok(account) => account,
        // Removed already, in another tab.
        Err(NotChanged::UnknownEntry) => return Ok(Answer::see(PATH)),
        Err(NotChanged::LastFactor) => {
            denied(visit, "SecurityKeyRemoved", &account, "last-factor").await?;
            let words = "It is your only second factor. Add another key or set up an app first.";
            return page(visit, door, &account, Errors::one("yours", words)).await;
        }
        Err(fault) => return Err(not_written(fault)),
    };
    done(visit, "SecurityKeyRemoved", &account, key).await?;
    let book = &visit.service.sign_in.book;
    if forget_counters(book, account.tenant, account.id, removed.as_slice()).await.is_err() {
        // It is of no use to anybody, and swept in time.
        tracing::debug!(%key, "how often a removed security key has signed is not forgotten yet");
    }
    let factor = if visit.signed_in()?.resumed.session.second_factor { Factor::Shown } else { Factor::Missing };
    anew(visit, tenant, &account, factor, Answer::see("/account/keys?done=removed")).await
}

fn known(account: &Account, key: RecordId) -> Option<SecurityKey> {
    account.security_keys.iter().find(|known| known.id == key).cloned()
}

/// Reads the name of a new key.
pub(crate) fn name<'a>(visit: &'a Visit<'_>, account: &Account) -> Result<&'a str, Errors> {
    let name = visit.form.text("name").trim();
    let wrong = if name.is_empty()
        || name.chars().count() > MAX_NAME
        || name.len() > MAX_NAME_BYTES
        || name.chars().any(char::is_control)
    {
        "Enter a name of at most 64 characters, fewer where they are not Latin."
    } else if account.security_keys.iter().any(|key| key.name.to_lowercase() == name.to_lowercase()) {
        "Another of your keys has this name."
    } else {
        return Ok(name);
    };
    Err(Errors::one("name", wrong))
}

/// Says whether any account has this credential.
pub(crate) fn is_taken(visit: &Visit<'_>, credential: &str) -> bool {
    let has = |account: &Account| account.security_keys.iter().any(|key| key.credential == credential);
    visit.directory.accounts().any(has)
}

/// Says why a key was not added, to somebody who has shown who they are.
pub(crate) const fn not_added(refusal: Refusal) -> &'static str {
    match refusal.reason {
        Reason::KeyTaken => "This key was added before, here or to another account.",
        Reason::TooManyKeys => "Ten keys are the most. Remove one that you do not use any more.",
        _ => "The key was not accepted. Try once more, or take another.",
    }
}

async fn answered(visit: &Visit<'_>, door: &LocalDoor, account: &Account, name: &str) -> Result<SecurityKey, Refusal> {
    let keys = door.accounts.security_keys.as_ref().ok_or(Reason::NotEnrolled)?;
    let browser = visit.person().map(|person| person.secret.expose().as_slice()).unwrap_or_default();
    let taken = |credential: &str| is_taken(visit, credential);
    keys.finish_registration(account, browser, name, visit.form.text("answer"), taken, visit.now).await
}

/// Records what was done with which key.
async fn done(visit: &Visit<'_>, action: &str, account: &Account, key: RecordId) -> Result<(), Problem> {
    let act = Act::done(action, Kind::Account.name(), &account.id.to_string());
    let context = Context { returned: vec![reference(key)], ..Context::default() };
    record(visit, &visit.signed_in()?.resumed.subject, act, context).await
}

/// Returns how a key is named in an entry's context.
pub(crate) fn reference(key: RecordId) -> String {
    format!("SecurityKey/{key}")
}

async fn page(visit: &Visit<'_>, door: &LocalDoor, account: &Account, errors: Errors) -> Result<Answer, Problem> {
    let full = account.security_keys.len() >= MAX_SECURITY_KEYS;
    let key = match door.accounts.security_keys.as_ref().filter(|_| !full) {
        Some(keys) => Some(form(visit, keys, account).await?),
        None => None,
    };
    let (script, host) = (visit.script(key.as_ref()), door.accounts.host());
    let line = |key: &SecurityKey| {
        let (elsewhere, removable) = (!key.is_of(host), account.can_spare(key.id, host));
        let (id, name, added) = (key.id.to_string(), key.name.clone(), words::instant(key.added));
        KeyLine { id, name, added, elsewhere, removable }
    };
    let page = SecurityKeysPage {
        frame: visit.frame(Here::Account).for_key(key.as_ref()),
        errors,
        token: visit.token(),
        said: match visit.query.text("done") {
            "added" => "The key was added.",
            "removed" => "The key was removed. Your other sessions have ended.",
            _ => "",
        },
        keys: account.security_keys.iter().map(line).collect(),
        only: account.security_keys.iter().any(|key| !account.can_spare(key.id, host)),
        key,
        full,
        name: visit.form.text("name").to_owned(),
    };
    Ok(Answer::page(render(&page)?).scripted(script))
}

async fn form(visit: &Visit<'_>, keys: &SecurityKeys, account: &Account) -> Result<KeyForm, Problem> {
    let browser = visit.signed_in()?.secret.expose();
    let asked = keys.begin_registration(account, browser, visit.now).await.map_err(|_| Problem::Unavailable)?;
    Ok(KeyForm { action: PATH.to_owned(), token: visit.token(), way: "create", options: asked.0 })
}

const PATH: &str = "/account/keys";
/// Most characters of a key's name, and most bytes: as many as are stored.
const MAX_NAME: usize = 64;
const MAX_NAME_BYTES: usize = 128;
