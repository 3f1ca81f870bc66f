//! Setting up the first second factor.

use super::{ISSUER, begin, door, faced, grouped, note_of, pending, renew, step_over, stored};
use crate::answer::Answer;
use crate::cookie::Cookie;
use crate::doors::LocalDoor;
use crate::pages::{EnrolPage, Errors, Here, KeyForm, render};
use crate::problem::Problem;
use crate::signing_in::{step, tenant};
use crate::visit::Visit;
use crate::{csrf, qr};
use domain::administration::{NotChanged, Renewal};
use domain::directory::{Account, Tenant};
use domain::secret::Secret;
use sso::local::{Face, Reason, Refusal};

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
