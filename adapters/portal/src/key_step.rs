//! A security key as the second step of a sign-in: shown instead of a code, or set up instead of an app.

use crate::answer::Answer;
use crate::chain::record;
use crate::cookie::Cookie;
use crate::doors::LocalDoor;
use crate::local::{
    account, begin, code_page, door, enrol_page, faced, first_factor, note, pending, step_over, stored, subject,
};
use crate::pages::Errors;
use crate::problem::Problem;
use crate::security_keys::{is_taken, name, not_added, reference};
use crate::signing_in::tenant;
use crate::visit::Visit;
use domain::administration::Renewal;
use domain::audit::Context;
use domain::directory::{Account, Tenant};
use domain::id::RecordId;
use domain::journal::Act;
use domain::kind::Kind;
use domain::secret::Secret;
use sso::local::{Face, KeyAccepted, Refusal};

/// Checks the answer of a security key.
pub(crate) async fn check(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (tenant, door) = (tenant(visit)?, door(visit)?);
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    match shown(visit, door, tenant, &secret).await {
        Ok((account, KeyAccepted { shown, assertion })) => {
            let amr = shown.methods.iter().map(|method| (*method).to_owned()).collect();
            record_key(visit, "SecurityKeyUsed", &account, shown.key, amr).await?;
            begin(visit, door, &account, &assertion, None).await
        }
        Err(refusal) => {
            note(visit, tenant, refusal).await?;
            let (status, wait, words) = match refusal.face() {
                Face::StartAgain => return Err(Problem::SignInOver),
                face => faced(face, "The key was not accepted. Try once more."),
            };
            let answer = code_page(visit, tenant, &secret, false, Errors::one("security-key", words)).await?;
            Ok(answer.with_status(status).retry_after(wait))
        }
    }
}

async fn shown(
    visit: &Visit<'_>,
    door: &LocalDoor,
    tenant: &Tenant,
    secret: &Secret<32>,
) -> Result<(Account, KeyAccepted), Refusal> {
    let pending = pending(door, tenant, secret).await?;
    let account = account(door, pending.account()).await?;
    let accepted = door.accounts.verify_key(&pending, &account, visit.form.text("answer"), visit.now).await?;
    Ok((account, accepted))
}

/// Enrols a security key instead of an app by its answer, signs in, and shows the recovery codes.
pub(crate) async fn enrol(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (tenant, door) = (tenant(visit)?, door(visit)?);
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    let pending = match pending(door, tenant, &secret).await {
        Ok(pending) => pending,
        Err(refusal) => return Err(step_over(visit, tenant.id, refusal).await),
    };
    let account = stored(door, pending.account()).await?;
    let name = match name(visit, &account) {
        Ok(name) => name,
        Err(errors) => return enrol_page(visit, door, tenant, &secret, errors).await,
    };
    let (answer, taken) = (visit.form.text("answer"), |credential: &str| is_taken(visit, credential));
    match door.accounts.finish_key_enrolment(&pending, &account, name, answer, taken, visit.now).await {
        Ok(enrolled) => {
            let (since, recovery) = (pending.since(), Some(enrolled.recovery.hashes));
            let renewal = Renewal::SecurityKey { since, key: enrolled.key.clone(), recovery };
            let account = first_factor(visit, door, tenant, &account, renewal).await?;
            record_key(visit, "SecurityKeyAdded", &account, enrolled.key.id, Vec::new()).await?;
            begin(visit, door, &account, &enrolled.assertion, Some(&enrolled.recovery.codes)).await
        }
        Err(refusal) => {
            note(visit, tenant, refusal).await?;
            let (status, wait, words) = match refusal.face() {
                Face::StartAgain => return Err(Problem::SignInOver),
                face => faced(face, not_added(refusal)),
            };
            let answer = enrol_page(visit, door, tenant, &secret, Errors::one("security-key", words)).await?;
            Ok(answer.with_status(status).retry_after(wait))
        }
    }
}

/// Records what was done with which key, as the act of the account's holder, who has no session yet.
async fn record_key(
    visit: &Visit<'_>,
    action: &str,
    account: &Account,
    key: RecordId,
    amr: Vec<String>,
) -> Result<(), Problem> {
    let act = Act::done(action, Kind::Account.name(), &account.id.to_string());
    record(visit, &subject(visit, account), act, Context { amr, returned: vec![reference(key)], ..Context::default() })
        .await
}
