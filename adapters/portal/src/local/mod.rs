//! Signing in with an account kept here: password, then a second factor; and how both are set up.

mod code;
mod enrol;
mod invitation;

pub(crate) use code::{Shown, ask_again, ask_code, code, under_way};
pub(crate) use enrol::{enrol, enrol_again, enrol_page, enrolled, first_factor};
pub(crate) use invitation::{invited, invited_by, take_up};

use crate::answer::Answer;
use crate::cookie::{Cookie, read_secret, write_secret};
use crate::copied_key;
use crate::doors::LocalDoor;
use crate::pages::{Errors, Here, RecoveryCodesPage, render};
use crate::problem::Problem;
use crate::security_keys::reference;
use crate::signing_in::{arrived, offer, step, tenant};
use crate::visit::{Visit, WORKSTATION};
use actix_web::http::StatusCode;
use domain::access::{Context, Factor, Principal, PrincipalKind, Scopes, Subject};
use domain::administration::{By, NotChanged, Renewal};
use domain::directory::{Account, Hidden, Tenant};
use domain::id::{RecordId, TenantId};
use domain::identity::{Assertion, Session};
use domain::journal::Actor;
use domain::refusals::Wait;
use domain::secret::Secret;
use domain::sign_in::{Ending, Whom};
use sso::local::{Attempt, Face, PasswordShown, Pending, Reason, Refusal, Required, Unfit};

/// Under which name an authenticator app lists us.
pub(crate) const ISSUER: &str = "Sealgate";

/// Checks name and password.
pub(crate) async fn password(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let tenant = tenant(visit)?;
    let door = door(visit)?;
    let (name, presented) = (visit.form.text("name").trim(), visit.form.text("password"));
    let mut errors = Errors::default();
    if name.is_empty() {
        errors.add("name", "Enter your sign-in name.");
    }
    if presented.is_empty() {
        errors.add("password", "Enter your password.");
    }
    if !errors.is_empty() {
        return offer(visit, tenant, errors);
    }
    let account = visit.directory.account_by_name(tenant.id, name);
    match verify(visit, door, tenant, account, name, presented).await {
        Ok((shown, account)) => after_password(visit, door, &shown, account).await,
        Err(refusal) => {
            note(visit, tenant, refusal).await?;
            let (status, wait, words) = faced(refusal.face(), "The name or the password is not right.");
            let answer = offer(visit, tenant, Errors::one("name", words))?;
            Ok(answer.with_status(status).retry_after(wait))
        }
    }
}

async fn verify<'a>(
    visit: &Visit<'_>,
    door: &LocalDoor,
    tenant: &Tenant,
    account: Option<&'a Account>,
    name: &str,
    presented: &str,
) -> Result<(PasswordShown, &'a Account), Refusal> {
    let browser = Cookie::browser(visit.http);
    let second_factor = tenant.settings.second_factor;
    let attempt = Attempt { tenant: tenant.id, name, address: visit.peer, browser: browser.as_deref(), second_factor };
    // A password that was set in this very request is shown after it was set, and not before.
    let now = visit.service.retrieval.clock.now();
    let shown = door.accounts.verify_password(account, presented, &attempt, now).await?;
    Ok((shown, account.ok_or(Reason::UnknownAccount)?))
}

async fn after_password(
    visit: &Visit<'_>,
    door: &LocalDoor,
    shown: &PasswordShown,
    account: &Account,
) -> Result<Answer, Problem> {
    if let (Some(hash), Some(before)) = (&shown.rehash, &account.password) {
        // The same password at today's cost; should it not be written, that happens the next time.
        let _ = renew(visit, door, account, Renewal::Rehash(before.clone(), hash.clone())).await;
    }
    if let Some(assertion) = shown.assertion(account) {
        return begin(visit, door, account, &assertion, None).await;
    }
    let secret = door.accounts.ask(shown, visit.now).await.map_err(|_| Problem::Unavailable)?;
    let next = if shown.second_factor == Required::Enrol { "enrol" } else { "code" };
    let secret = read_secret(secret.expose()).ok_or(Problem::Unavailable)?;
    Ok(Answer::see(step(visit, account.tenant, next)).with_cookie(Cookie::SignIn.set(&secret)))
}

/// Begins the session; where recovery codes were drawn, they are shown once before it goes on.
pub(crate) async fn begin(
    visit: &Visit<'_>,
    door: &LocalDoor,
    account: &Account,
    assertion: &Assertion,
    codes: Option<&[Hidden]>,
) -> Result<Answer, Problem> {
    let origin = visit.origin(account.tenant);
    let settings = visit.directory.settings(account.tenant).ok_or(Problem::NotFound)?;
    let replaces = visit.person().map(|person| &person.resumed);
    let begun =
        visit.service.sign_in.begin_admitted(assertion, account.to_admitted(), settings, &origin, replaces).await?;
    if !is_unchanged(door, account).await {
        return Err(withdrawn(visit, &begun.session, "account-changed").await);
    }
    let known = Cookie::browser(visit.http);
    let remembered = door.accounts.remember(known.as_deref(), account, visit.now)?;
    let place = visit.place();
    let answer = match codes {
        None => arrived(Some(place.path())),
        Some(codes) => {
            let page = RecoveryCodesPage {
                frame: visit.frame(Here::Elsewhere),
                codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
                onward: place.path().to_owned(),
            };
            Answer::page(render(&page)?)
        }
    };
    Ok(answer
        .with_cookie(Cookie::Session.set(&begun.secret))
        .with_cookie(Cookie::SignIn.unset())
        .with_cookie(Cookie::set_browser(&remembered)))
}

/// Says whether an account is stored as it is in hand, in what somebody comes in by. Asked after a session is kept: what was reset,
/// disabled or changed since the account was read either ended that session or is seen here.
pub(crate) async fn is_unchanged(door: &LocalDoor, account: &Account) -> bool {
    let now = door.administration.stored_account(account.id).await;
    now.is_ok_and(|now| now.enabled && now.password_changed == account.password_changed && now.totp == account.totp)
}

/// Ends a session that should not have begun, and returns what is answered.
pub(crate) async fn withdrawn(visit: &Visit<'_>, session: &Session, reason: &str) -> Problem {
    let origin = visit.origin(session.tenant);
    let this = |other: &Session| other.id == session.id;
    match visit.service.sign_in.end_of(session.person, Ending::Revoked, &origin, this).await {
        Ok(_) => visit.refuse(session.tenant, reason, Problem::NotAdmitted).await,
        Err(_) => Problem::Unavailable,
    }
}

/// Writes what a person changes about their own account, as their act.
pub(crate) async fn renew(
    visit: &Visit<'_>,
    door: &LocalDoor,
    account: &Account,
    renewal: Renewal,
) -> Result<Account, NotChanged> {
    let subject = subject(visit, account);
    let address = visit.peer.to_string();
    let actor = Actor { address: Some(&address), ..Actor::new(&subject, WORKSTATION, visit.correlation) };
    door.administration.renew(&By { actor, context: Context::at(visit.now) }, account.id, renewal).await
}

/// Returns the holder of an account as whoever acts, before there is a session.
pub(crate) fn subject(visit: &Visit<'_>, account: &Account) -> Subject {
    let naming = &visit.service.sign_in.vault.secrets(account.tenant).naming;
    let person = account.to_assertion(Factor::Shown, visit.now).person(naming);
    Subject {
        principal: Principal { id: person.to_string(), display: account.display.clone(), kind: PrincipalKind::Person },
        tenant: account.tenant,
        roles: account.roles.within(&account.clinics),
        clinics: account.clinics.clone(),
        purpose: account.purpose,
        scopes: Scopes::Unrestricted,
        compartment: None,
    }
}

pub(crate) async fn pending(door: &LocalDoor, tenant: &Tenant, secret: &Secret<32>) -> Result<Pending, Refusal> {
    let pending = door.accounts.pending(&write_secret(secret)).await?;
    if pending.tenant() == tenant.id { Ok(pending) } else { Err(Reason::StepOver.into()) }
}

/// Returns the account of a step under way as it is stored at this moment: the directory in force may be of before a reset.
async fn account(door: &LocalDoor, id: RecordId) -> Result<Account, Refusal> {
    door.administration.stored_account(id).await.map_err(|fault| match fault {
        NotChanged::UnknownEntry => Reason::StepOver.into(),
        _ => Reason::Unavailable.into(),
    })
}

/// Returns the same to whoever answers with a page.
pub(crate) async fn stored(door: &LocalDoor, id: RecordId) -> Result<Account, Problem> {
    account(door, id).await.map_err(over)
}

/// Records a refused step of somebody nobody knows yet, and raises the alarm where it is time to.
async fn note(visit: &Visit<'_>, tenant: &Tenant, refusal: Refusal) -> Result<(), Problem> {
    note_of(visit, tenant, None, refusal).await
}

/// Records a refused step, of whoever has shown the password before it, and raises the alarm where it is time to.
async fn note_of(
    visit: &Visit<'_>,
    tenant: &Tenant,
    account: Option<&Account>,
    refusal: Refusal,
) -> Result<(), Problem> {
    if refusal.alert {
        tracing::error!(tenant = %tenant.id, correlation = %visit.correlation, "many wrong passwords for one account");
    }
    // Whoever was sent away unheard gets no entry of their own: entries are kept for years, and a flood would fill the chain.
    if matches!(refusal.face(), Face::Wait(_) | Face::Busy(_)) {
        visit.service.sign_in.refusals.count(tenant.id, visit.peer, refusal.name());
        return Ok(());
    }
    let assertion = account.map(|account| account.to_assertion(Factor::Missing, visit.now));
    let key = refusal.key.map(reference);
    let whom = match (&assertion, &key) {
        (Some(assertion), Some(key)) => Whom::Showing(assertion, key),
        (Some(assertion), None) => Whom::Person(assertion),
        (None, _) => Whom::Nobody,
    };
    let recorded = visit.service.sign_in.refuse(tenant.id, whom, refusal.name(), &visit.origin(tenant.id)).await;
    // Whatever became of the entry: who has a copy may have used up what is recorded singly.
    if let (Some(account), Some(key), Reason::CounterWentBack) = (account, refusal.key, refusal.reason) {
        copied_key::raise(visit, account, key).await;
    }
    match recorded? {
        None => Ok(()),
        Some(Wait(seconds)) => Err(Problem::TooMany(seconds)),
    }
}

/// Returns status, seconds to wait and words for what a browser may be told.
pub(crate) fn faced(face: Face, wrong: &'static str) -> (StatusCode, Option<u32>, &'static str) {
    match face {
        Face::NotAccepted | Face::StartAgain => (StatusCode::UNAUTHORIZED, None, wrong),
        Face::Wait(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, Some(seconds), "Too many tries. Wait a little and try again.")
        }
        Face::Busy(seconds) => {
            (StatusCode::SERVICE_UNAVAILABLE, Some(seconds), "Many people are signing in. Try again in a moment.")
        }
        Face::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, None, "Signing in is not possible right now. Try again in a few minutes.")
        }
    }
}

/// Records that a step of a sign-in is over, and returns what is answered.
pub(crate) async fn step_over(visit: &Visit<'_>, tenant: TenantId, refusal: Refusal) -> Problem {
    match over(refusal) {
        Problem::SignInOver => visit.refuse(tenant, refusal.name(), Problem::SignInOver).await,
        problem => problem,
    }
}

pub(crate) fn over(refusal: Refusal) -> Problem {
    match refusal.face() {
        Face::Unavailable | Face::Busy(_) => Problem::Unavailable,
        Face::NotAccepted | Face::Wait(_) | Face::StartAgain => Problem::SignInOver,
    }
}

pub(crate) fn door<'a>(visit: &'a Visit<'_>) -> Result<&'a LocalDoor, Problem> {
    visit.service.doors.accounts.as_deref().ok_or(Problem::NotFound)
}

/// Writes a secret in groups of four, which are easier to type.
pub(crate) fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

pub(crate) const fn unfit_in_words(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::TooShort(_) => "This is too short. Take at least 12 characters, or 15 where no second factor is used.",
        _ => "This can be guessed or is known from stolen lists. Choose another.",
    }
}
