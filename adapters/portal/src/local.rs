//! Signing in with an account kept here: password, then a second factor; and how both are set up.

use crate::answer::Answer;
use crate::cookie::{Cookie, read_secret, write_secret};
use crate::copied_key;
use crate::csrf;
use crate::doors::LocalDoor;
use crate::pages::{CodePage, EnrolPage, Errors, Here, InvitationPage, KeyForm, RecoveryCodesPage, render};
use crate::problem::Problem;
use crate::qr;
use crate::security_keys::reference;
use crate::signing_in::{Browser, arrived, offer, step, tenant};
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
use sso::local::{
    Attempt, Face, InvitationPurpose, NotTaken, PasswordShown, Pending, Reason, Refusal, Required, Unfit,
};

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

/// Asks for a code or a security key.
pub(crate) async fn ask_code(visit: &Visit<'_>, recovery: bool) -> Result<Answer, Problem> {
    let tenant = tenant(visit)?;
    match Cookie::SignIn.read(visit.http) {
        Some(secret) => code_page(visit, tenant, &secret, recovery, Errors::default()).await,
        None => Ok(Answer::see(format!("/sign-in/{}", tenant.id))),
    }
}

pub(crate) async fn code_page(
    visit: &Visit<'_>,
    tenant: &Tenant,
    secret: &Secret<32>,
    recovery: bool,
    errors: Errors,
) -> Result<Answer, Problem> {
    let (this, other) = if recovery { ("recovery", "code") } else { ("code", "recovery") };
    let token = csrf::token(&visit.service.sign_in.book.keys, secret);
    let Asked { code, key } = if recovery { Asked::default() } else { asked(visit, tenant, secret, &token).await };
    let script = visit.script(key.as_ref());
    let page = CodePage {
        frame: visit.frame(Here::Elsewhere).for_key(key.as_ref()),
        errors,
        token,
        title: match (recovery, code) {
            (true, _) => "Recovery code",
            (false, true) => "Your code",
            (false, false) => "Your security key",
        },
        action: step(visit, tenant.id, this),
        recovery,
        code,
        key,
        other: step(visit, tenant.id, other),
        back: visit.place().behind(&format!("/sign-in/{}", tenant.id)),
    };
    Ok(Answer::page(render(&page)?).scripted(script))
}

/// What is asked for as the second factor.
struct Asked {
    /// A code of an app.
    code: bool,
    /// The answer of a security key.
    key: Option<KeyForm>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { code: true, key: None }
    }
}

/// Returns what the account of the step under way can show. To whoever has shown no password the page is one and the same.
async fn asked(visit: &Visit<'_>, tenant: &Tenant, secret: &Secret<32>, token: &str) -> Asked {
    let Ok(door) = door(visit) else { return Asked::default() };
    let Ok(pending) = pending(door, tenant, secret).await else { return Asked::default() };
    let Ok(account) = account(door, pending.account()).await else { return Asked::default() };
    match door.accounts.ask_key(&pending, &account, visit.now).await {
        Ok(Some(asked)) => {
            let (action, token) = (step(visit, tenant.id, "key"), token.to_owned());
            let key = KeyForm { action, token, way: "get", options: asked.0 };
            Asked { code: account.totp.is_some(), key: Some(key) }
        }
        // A recovery code is left to whoever has a key that cannot be asked for now.
        Ok(None) | Err(_) => Asked::default(),
    }
}

/// Checks a code of the second factor, or a recovery code.
pub(crate) async fn code(visit: &Visit<'_>, recovery: bool) -> Result<Answer, Problem> {
    let (tenant, door) = (tenant(visit)?, door(visit)?);
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    let given: String = visit.form.text("code").split_whitespace().collect();
    let wrong = "This code is not right, or was used before. Wait for the next one.";
    let shown = Shown { field: "code", wrong, recovery };
    let (pending, account) = match under_way(door, tenant, &secret).await {
        Ok(found) => found,
        Err(refusal) => return ask_again(visit, tenant, &secret, None, refusal, &shown).await,
    };
    match check_code(visit, door, &pending, &account, &given, recovery).await {
        Ok(assertion) => begin(visit, door, &account, &assertion, None).await,
        Err(refusal) => ask_again(visit, tenant, &secret, Some(&account), refusal, &shown).await,
    }
}

async fn check_code(
    visit: &Visit<'_>,
    door: &LocalDoor,
    pending: &Pending,
    account: &Account,
    given: &str,
    recovery: bool,
) -> Result<Assertion, Refusal> {
    if !recovery {
        return door.accounts.verify_code(pending, account, given, visit.now).await;
    }
    let recovered = door.accounts.verify_recovery(pending, account, given, visit.now).await?;
    // Of several who show the same code at once, the one that is written is let in.
    match renew(visit, door, account, Renewal::UsedRecovery(recovered.used)).await {
        Ok(_) => Ok(recovered.assertion),
        Err(NotChanged::Raced) => Err(Reason::RecoveryCodeUsed.into()),
        Err(_) => Err(Reason::Unavailable.into()),
    }
}

/// Finds the step under way, and whose password was shown in it.
pub(crate) async fn under_way(
    door: &LocalDoor,
    tenant: &Tenant,
    secret: &Secret<32>,
) -> Result<(Pending, Account), Refusal> {
    let pending = pending(door, tenant, secret).await?;
    let account = account(door, pending.account()).await?;
    Ok((pending, account))
}

/// What was shown as the second factor: the field that tells of it, and what is said where it was not right.
pub(crate) struct Shown {
    pub(crate) field: &'static str,
    pub(crate) wrong: &'static str,
    /// Whether it was a recovery code.
    pub(crate) recovery: bool,
}

/// Records that a second factor was refused, of whoever has shown the password, and asks for it again.
pub(crate) async fn ask_again(
    visit: &Visit<'_>,
    tenant: &Tenant,
    secret: &Secret<32>,
    account: Option<&Account>,
    refusal: Refusal,
    shown: &Shown,
) -> Result<Answer, Problem> {
    note_of(visit, tenant, account, refusal).await?;
    let (status, wait, words) = match refusal.face() {
        Face::StartAgain => return Err(Problem::SignInOver),
        face => faced(face, shown.wrong),
    };
    let answer = code_page(visit, tenant, secret, shown.recovery, Errors::one(shown.field, words)).await?;
    Ok(answer.with_status(status).retry_after(wait))
}

/// Shows what an authenticator app is to take over.
pub(crate) async fn enrol(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (tenant, door) = (tenant(visit)?, door(visit)?);
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    enrol_page(visit, door, tenant, &secret, Errors::default()).await
}

pub(crate) async fn enrol_page(
    visit: &Visit<'_>,
    door: &LocalDoor,
    tenant: &Tenant,
    secret: &Secret<32>,
    errors: Errors,
) -> Result<Answer, Problem> {
    let pending = match pending(door, tenant, secret).await {
        Ok(pending) => pending,
        Err(refusal) => return Err(step_over(visit, tenant.id, refusal).await),
    };
    let account = stored(door, pending.account()).await?;
    let drawn = match door.accounts.begin_enrolment(&pending, &account, ISSUER).await {
        Ok(drawn) => drawn,
        Err(refusal) => return Err(step_over(visit, tenant.id, refusal).await),
    };
    let token = csrf::token(&visit.service.sign_in.book.keys, secret);
    let key = match door.accounts.begin_key_enrolment(&pending, &account, visit.now).await {
        Ok(Some(asked)) => {
            let (action, token) = (step(visit, tenant.id, "enrol-key"), token.clone());
            Some(KeyForm { action, token, way: "create", options: asked.0 })
        }
        // The app is left.
        Ok(None) | Err(_) => None,
    };
    let script = visit.script(key.as_ref());
    let page = EnrolPage {
        frame: visit.frame(Here::Elsewhere).for_key(key.as_ref()),
        errors,
        token,
        action: step(visit, tenant.id, "enrol"),
        picture: qr::svg(drawn.uri.expose()).ok_or(Problem::Unavailable)?,
        secret: grouped(drawn.secret.expose()),
        key,
        name: visit.form.text("name").to_owned(),
    };
    Ok(Answer::page(render(&page)?).scripted(script))
}

/// Writes the second factor of an account that had none; of two that are enrolled at once, one is.
pub(crate) async fn first_factor(
    visit: &Visit<'_>,
    door: &LocalDoor,
    tenant: &Tenant,
    account: &Account,
    renewal: Renewal,
) -> Result<Account, Problem> {
    match renew(visit, door, account, renewal).await {
        Ok(account) => Ok(account),
        Err(NotChanged::Raced) => Err(step_over(visit, tenant.id, Reason::AlreadyEnrolled.into()).await),
        Err(_) => Err(Problem::Unavailable),
    }
}

/// Enrols it by its first code, signs in, and shows the recovery codes.
pub(crate) async fn enrolled(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (tenant, door) = (tenant(visit)?, door(visit)?);
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    let pending = match pending(door, tenant, &secret).await {
        Ok(pending) => pending,
        Err(refusal) => return Err(step_over(visit, tenant.id, refusal).await),
    };
    // As it is stored, not as the directory was some seconds ago: what was enrolled meanwhile is not replaced.
    let account = stored(door, pending.account()).await?;
    let given: String = visit.form.text("code").split_whitespace().collect();
    match door.accounts.finish_enrolment(&pending, &account, &given, visit.now).await {
        Ok(enrolled) => {
            let renewal = Renewal::SecondFactor {
                before: account.totp.clone(),
                since: pending.since(),
                totp: Some(enrolled.totp),
                recovery: enrolled.recovery.hashes.clone(),
            };
            let account = first_factor(visit, door, tenant, &account, renewal).await?;
            begin(visit, door, &account, &enrolled.assertion, Some(&enrolled.recovery.codes)).await
        }
        Err(refusal) => {
            let wrong = "This code is not right. Check that the app's clock is right, and enter the code it shows now.";
            enrol_again(visit, door, tenant, &secret, &account, refusal, ("code", wrong)).await
        }
    }
}

/// Records that what was to be set up was refused, of whoever has shown the password, and shows the page again; the last is the
/// field that tells of it, and what is said where it was not right.
pub(crate) async fn enrol_again(
    visit: &Visit<'_>,
    door: &LocalDoor,
    tenant: &Tenant,
    secret: &Secret<32>,
    account: &Account,
    refusal: Refusal,
    (field, wrong): (&'static str, &'static str),
) -> Result<Answer, Problem> {
    note_of(visit, tenant, Some(account), refusal).await?;
    let (status, wait, words) = match refusal.face() {
        Face::StartAgain => return Err(Problem::SignInOver),
        face => faced(face, wrong),
    };
    let answer = enrol_page(visit, door, tenant, secret, Errors::one(field, words)).await?;
    Ok(answer.with_status(status).retry_after(wait))
}

/// Shows the page of an invitation to whoever opens its link.
pub(crate) async fn invited(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let door = door(visit)?;
    look(visit, door).await?;
    invitation_page(visit, Errors::default())
}

/// Looks at an invitation without taking it up, and at its account; one that is wrong, used, too old or of before the account's last
/// change is nobody's, so it is recorded for the system.
async fn look(visit: &Visit<'_>, door: &LocalDoor) -> Result<Account, Problem> {
    let looked = match door.accounts.invitations.look(visit.part("secret")).await {
        Ok(invited) => account(door, invited.account).await.map(|account| (invited, account)),
        Err(refusal) => Err(refusal),
    };
    match looked {
        Ok((invited, account)) if invited.is_of(&account) => Ok(account),
        Err(refusal) if refusal.face() == Face::Unavailable => Err(Problem::Unavailable),
        Ok(_) | Err(_) => Err(visit.refuse(TenantId::SYSTEM, "unknown-invitation", Problem::SignInOver).await),
    }
}

fn invitation_page(visit: &Visit<'_>, errors: Errors) -> Result<Answer, Problem> {
    let browser = Browser::of(visit)?;
    let page = InvitationPage {
        frame: visit.frame(Here::Elsewhere),
        errors,
        token: browser.token.clone(),
        action: format!("/invitation/{}", visit.part("secret")),
    };
    Ok(Answer::page(render(&page)?).with_cookie(browser.cookie()))
}

/// Takes up an invitation: sets the password, then asks for the second factor or for a new one.
pub(crate) async fn take_up(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let door = door(visit)?;
    let account = look(visit, door).await?;
    let tenant = visit.directory.tenant(account.tenant).ok_or(Problem::SignInOver)?;
    if !account.enabled {
        return Err(step_over(visit, tenant.id, Reason::AccountDisabled.into()).await);
    }
    let text = visit.form.text("password");
    if text != visit.form.text("again") {
        return invitation_page(visit, Errors::one("again", "The two are not the same."));
    }
    let taken = door.accounts.new_password(&account, &tenant.name, tenant.settings.second_factor, text).await;
    let hash = match taken {
        Ok(hash) => hash,
        Err(NotTaken::Unfit(unfit)) => return invitation_page(visit, Errors::one("password", unfit_in_words(unfit))),
        Err(NotTaken::Busy | NotTaken::Unavailable) => return Err(Problem::Unavailable),
    };
    let invited = match door.accounts.invitations.take(visit.part("secret"), &account).await {
        Ok(invited) => invited,
        Err(refusal) if refusal.face() == Face::Unavailable => return Err(Problem::Unavailable),
        // Somebody else took it up in this very moment.
        Err(_) => return Err(visit.refuse(tenant.id, "invitation-used", Problem::SignInOver).await),
    };
    let (since, password) = (account.password_changed, hash);
    let renewal = match invited.purpose {
        InvitationPurpose::Password => Renewal::Password { since, password },
        InvitationPurpose::PasswordAndFactor => Renewal::All { since, password, totp: None, recovery: Vec::new() },
    };
    let account = match renew(visit, door, &account, renewal).await {
        Ok(account) => account,
        // It was taken away once more in this very moment, and another invitation is on its way.
        Err(NotChanged::Raced) => return Err(step_over(visit, tenant.id, Reason::StepOver.into()).await),
        Err(_) => return Err(Problem::Unavailable),
    };
    match verify(visit, door, tenant, Some(&account), &account.name, text).await {
        Ok((shown, account)) => after_password(visit, door, &shown, account).await,
        // The password is set; that somebody else's guesses slow this down is no reason to lose it.
        Err(_) => Ok(Answer::see(format!("/sign-in/{}", account.tenant))),
    }
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
