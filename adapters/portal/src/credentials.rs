//! What proves that somebody is who they are, changed by themselves while they are signed in: the password, the authenticator app,
//! the recovery codes; security keys have a file of their own. For accounts kept here; whoever came by an identity provider changes theirs there.
//!
//! Password and app end every session but the one in which they were changed, which goes on under another secret.

use crate::answer::Answer;
use crate::chain::record;
use crate::cookie::{Cookie, read_secret, write_secret};
use crate::doors::LocalDoor;
use crate::local::{ISSUER, door, faced, grouped, is_unchanged, over, renew, stored, unfit_in_words, withdrawn};
use crate::pages::{AuthenticatorPage, DrawCodesPage, Errors, Here, PasswordPage, RecoveryCodesPage, render};
use crate::place::Place;
use crate::problem::Problem;
use crate::qr;
use crate::visit::Visit;
use domain::access::Factor;
use domain::administration::{NotChanged, Renewal};
use domain::audit::Context;
use domain::directory::{Account, Hidden, Tenant};
use domain::journal::Act;
use domain::kind::Kind;
use domain::refusals::{Asked, Wait};
use domain::sign_in::Ending;
use sso::local::{Attempt, Face, NotTaken, Pending, Refusal};

/// Asks for the old password and a new one.
pub(crate) async fn password(visit: &Visit<'_>) -> Result<Answer, Problem> {
    own(visit).await?;
    password_page(visit, Errors::default())
}

/// Changes the password.
pub(crate) async fn change_password(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, tenant } = own(visit).await?;
    let (old, new) = (visit.form.text("old"), visit.form.text("password"));
    let mut errors = Errors::default();
    if old.is_empty() {
        errors.add("old", "Enter the password you have now.");
    }
    if new != visit.form.text("again") {
        errors.add("again", "The two are not the same.");
    }
    if !errors.is_empty() {
        return password_page(visit, errors);
    }
    let browser = Cookie::browser(visit.http);
    let second_factor = tenant.settings.second_factor;
    let (address, browser) = (visit.peer, browser.as_deref());
    let attempt = Attempt { tenant: tenant.id, name: &account.name, address, browser, second_factor };
    if let Err(refusal) = door.accounts.verify_password(Some(&account), old, &attempt, visit.now).await {
        refused(visit, "PasswordChanged", &account, refusal).await?;
        let (status, wait, words) = faced(refusal.face(), "This is not the password you have now.");
        return Ok(password_page(visit, Errors::one("old", words))?.with_status(status).retry_after(wait));
    }
    let hash = match door.accounts.new_password(&account, &tenant.name, second_factor, new).await {
        Ok(hash) => hash,
        Err(NotTaken::Unfit(unfit)) => return password_page(visit, Errors::one("password", unfit_in_words(unfit))),
        Err(NotTaken::Busy | NotTaken::Unavailable) => return Err(Problem::Unavailable),
    };
    let renewal = Renewal::Password { since: account.password_changed, password: hash };
    let account = write(visit, door, &account, renewal, "PasswordChanged").await?;
    let factor = if visit.signed_in()?.resumed.session.second_factor { Factor::Shown } else { Factor::Missing };
    anew(visit, tenant, &account, factor, Answer::see("/account?done=password")).await
}

/// Shows what another authenticator app is to take over, to somebody who proved a moment ago who they are.
pub(crate) async fn authenticator(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, .. } = own(visit).await?;
    if !visit.is_fresh(0)? {
        return Ok(to_step_up("/account/authenticator"));
    }
    // A page that is loaded again shows the same.
    let secret = match Cookie::SignIn.read(visit.http) {
        Some(secret) if is_under_way(door, &account, &write_secret(&secret)).await => secret,
        _ => {
            let secret = door.accounts.ask_new_factor(&account, visit.now).await.map_err(over)?;
            read_secret(secret.expose()).ok_or(Problem::Unavailable)?
        }
    };
    let pending = door.accounts.pending(&write_secret(&secret)).await.map_err(over)?;
    let page = authenticator_page(visit, door, &account, &pending, Errors::default()).await?;
    Ok(page.with_cookie(Cookie::SignIn.set(&secret)))
}

/// Puts it in the place of the one before, by its first code.
pub(crate) async fn replace_authenticator(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, tenant } = own(visit).await?;
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    let pending = mine(door, &account, &write_secret(&secret)).await.ok_or(Problem::SignInOver)?;
    let given: String = visit.form.text("code").split_whitespace().collect();
    let enrolled = match door.accounts.finish_enrolment(&pending, &account, &given, visit.now).await {
        Ok(enrolled) => enrolled,
        Err(refusal) => {
            refused(visit, "SecondFactorReplaced", &account, refusal).await?;
            let wrong = "This code is not right. Check that the app's clock is right, and enter the code it shows now.";
            let (status, wait, words) = faced(refusal.face(), wrong);
            let page = authenticator_page(visit, door, &account, &pending, Errors::one("code", words)).await?;
            return Ok(page.with_status(status).retry_after(wait));
        }
    };
    let renewal = Renewal::SecondFactor {
        before: account.totp.clone(),
        since: pending.since(),
        totp: Some(enrolled.totp),
        recovery: enrolled.recovery.hashes.clone(),
    };
    let account = write(visit, door, &account, renewal, "SecondFactorReplaced").await?;
    let answer = codes_page(visit, &enrolled.recovery.codes)?.with_cookie(Cookie::SignIn.unset());
    anew(visit, tenant, &account, Factor::Shown, answer).await
}

/// Asks whether new recovery codes are to be drawn, of somebody who proved a moment ago who they are.
pub(crate) async fn recovery_codes(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { account, .. } = own(visit).await?;
    if !visit.is_fresh(0)? {
        return Ok(to_step_up("/account/recovery-codes"));
    }
    let page = DrawCodesPage { frame: visit.frame(Here::Account), token: visit.token(), left: account.recovery.len() };
    Ok(Answer::page(render(&page)?))
}

/// Draws them; those before count no longer.
pub(crate) async fn draw_recovery_codes(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Own { door, account, .. } = own(visit).await?;
    if !visit.is_fresh(GRACE_SECONDS)? {
        return Ok(to_step_up("/account/recovery-codes"));
    }
    let drawn = door.accounts.recovery.draw(account.id)?;
    let renewal = Renewal::Recovery { since: account.password_changed, recovery: drawn.hashes };
    write(visit, door, &account, renewal, "RecoveryCodesDrawn").await?;
    codes_page(visit, &drawn.codes)
}

/// The account of whoever is signed in.
pub(crate) struct Own<'a> {
    pub(crate) door: &'a LocalDoor,
    /// As it is stored, not as the directory was a moment ago.
    pub(crate) account: Account,
    pub(crate) tenant: &'a Tenant,
}

/// Returns the account of whoever is signed in by one; for the others there is nothing here.
pub(crate) async fn own<'a>(visit: &'a Visit<'_>) -> Result<Own<'a>, Problem> {
    let session = &visit.signed_in()?.resumed.session;
    if session.connection != Account::connection(session.tenant) {
        return Err(Problem::NotFound);
    }
    let door = door(visit)?;
    let id = session.subject.parse().map_err(|_| Problem::NotFound)?;
    let account = stored(door, id).await?;
    let tenant = visit.directory.tenant(session.tenant).ok_or(Problem::NotFound)?;
    if account.tenant != tenant.id || !account.enabled {
        return Err(Problem::NotFound);
    }
    // The directory in force may be of before a reset; what is changed here would outlast it.
    if !account.still_admits(session) {
        return Err(visit.refuse(tenant.id, "account-changed", Problem::SignInOver).await);
    }
    Ok(Own { door, account, tenant })
}

/// Returns the step under way, if it is one in which this account takes another factor.
async fn mine(door: &LocalDoor, account: &Account, secret: &str) -> Option<Pending> {
    let pending = door.accounts.pending(secret).await.ok()?;
    (pending.account() == account.id && pending.tenant() == account.tenant).then_some(pending)
}

/// Says whether a step is under way in which this account takes another factor.
async fn is_under_way(door: &LocalDoor, account: &Account, secret: &str) -> bool {
    match mine(door, account, secret).await {
        Some(pending) => door.accounts.begin_enrolment(&pending, account, ISSUER).await.is_ok(),
        None => false,
    }
}

/// Writes the change, and says in the chain which it was.
async fn write(
    visit: &Visit<'_>,
    door: &LocalDoor,
    account: &Account,
    renewal: Renewal,
    action: &str,
) -> Result<Account, Problem> {
    let changed = renew(visit, door, account, renewal).await.map_err(not_written)?;
    let act = Act::done(action, Kind::Account.name(), &account.id.to_string());
    record(visit, &visit.signed_in()?.resumed.subject, act, Context::default()).await?;
    Ok(changed)
}

/// Returns what is answered where nothing was written; whoever else changed the account meanwhile ended this session by it.
pub(crate) const fn not_written(fault: NotChanged) -> Problem {
    match fault {
        NotChanged::Raced => Problem::SignInOver,
        _ => Problem::Unavailable,
    }
}

/// Records a refused step, as many as a sign-in's; whoever is told to wait gets no entry of their own, for guesses would fill the chain.
pub(crate) async fn refused(
    visit: &Visit<'_>,
    action: &str,
    account: &Account,
    refusal: Refusal,
) -> Result<(), Problem> {
    if refusal.alert {
        tracing::error!(tenant = %account.tenant, correlation = %visit.correlation, "many wrong passwords for one account");
    }
    if matches!(refusal.face(), Face::Wait(_) | Face::Busy(_)) {
        let refusals = &visit.service.sign_in.refusals;
        refusals.count_as(Asked::Credential, account.tenant, visit.peer, refusal.name());
        return Ok(());
    }
    denied(visit, action, account, refusal.name()).await
}

/// Records that something was denied to somebody who is signed in, unless there was too much of it: then it is counted.
pub(crate) async fn denied(visit: &Visit<'_>, action: &str, account: &Account, reason: &str) -> Result<(), Problem> {
    let refusals = &visit.service.sign_in.refusals;
    match refusals.may_tell(Asked::Credential, account.tenant, visit.peer, reason) {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(Wait(seconds)) => return Err(Problem::TooMany(seconds)),
    }
    let act = Act::denied(action, Kind::Account.name(), &account.id.to_string(), reason);
    record(visit, &visit.signed_in()?.resumed.subject, act, Context::default()).await
}

/// Begins a session in the place of this one, which ended with what was changed, and ends the person's others.
pub(crate) async fn anew(
    visit: &Visit<'_>,
    tenant: &Tenant,
    account: &Account,
    factor: Factor,
    answer: Answer,
) -> Result<Answer, Problem> {
    let resumed = &visit.signed_in()?.resumed;
    let (sign_in, origin) = (&visit.service.sign_in, visit.origin(tenant.id));
    // When it was proved stays as it was: nothing that asks for a step-up is opened by this.
    let assertion = account.to_assertion(factor, resumed.session.authenticated);
    let begun =
        sign_in.begin_admitted(&assertion, account.to_admitted(), &tenant.settings, &origin, Some(resumed)).await?;
    if !is_unchanged(door(visit)?, account).await {
        return Err(withdrawn(visit, &begun.session, "account-changed").await);
    }
    let others = |other: &domain::identity::Session| other.id != begun.session.id;
    sign_in.end_of(begun.session.person, Ending::Revoked, &origin, others).await?;
    Ok(answer.with_cookie(Cookie::Session.set(&begun.secret)))
}

fn password_page(visit: &Visit<'_>, errors: Errors) -> Result<Answer, Problem> {
    let page = PasswordPage { frame: visit.frame(Here::Account), errors, token: visit.token() };
    Ok(Answer::page(render(&page)?))
}

async fn authenticator_page(
    visit: &Visit<'_>,
    door: &LocalDoor,
    account: &Account,
    pending: &Pending,
    errors: Errors,
) -> Result<Answer, Problem> {
    let drawn = door.accounts.begin_enrolment(pending, account, ISSUER).await.map_err(over)?;
    let page = AuthenticatorPage {
        frame: visit.frame(Here::Account),
        errors,
        token: visit.token(),
        picture: qr::svg(drawn.uri.expose()).ok_or(Problem::Unavailable)?,
        secret: grouped(drawn.secret.expose()),
    };
    Ok(Answer::page(render(&page)?))
}

pub(crate) fn codes_page(visit: &Visit<'_>, codes: &[Hidden]) -> Result<Answer, Problem> {
    let page = RecoveryCodesPage {
        frame: visit.frame(Here::Elsewhere),
        codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
        onward: "/account?done=codes".to_owned(),
    };
    Ok(Answer::page(render(&page)?))
}

pub(crate) fn to_step_up(path: &str) -> Answer {
    Answer::see(Place::read(path).unwrap_or_else(Place::home).behind("/step-up"))
}

/// How long a page may be looked at beyond the time within which the person must have proved who they are, in seconds.
pub(crate) const GRACE_SECONDS: i64 = 300;
