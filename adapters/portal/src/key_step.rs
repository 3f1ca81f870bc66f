//! A security key as the second step of a sign-in: shown instead of a code, or set up instead of an app.

use crate::answer::Answer;
use crate::chain::record;
use crate::cookie::Cookie;
use crate::local::{
    Shown, ask_again, begin, door, enrol_again, enrol_page, first_factor, pending, step_over, stored, subject,
    under_way,
};
use crate::problem::Problem;
use crate::security_keys::{is_taken, name, not_added, reference};
use crate::signing_in::tenant;
use crate::visit::Visit;
use domain::administration::Renewal;
use domain::audit::Context;
use domain::directory::Account;
use domain::id::RecordId;
use domain::journal::Act;
use domain::kind::Kind;
use sso::local::KeyAccepted;

/// Checks the answer of a security key.
pub(crate) async fn check(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (tenant, door) = (tenant(visit)?, door(visit)?);
    let secret = Cookie::SignIn.read(visit.http).ok_or(Problem::SignInOver)?;
    let wrong = "The key was not accepted. Try once more.";
    let key = Shown { field: "security-key", wrong, recovery: false };
    let (pending, account) = match under_way(door, tenant, &secret).await {
        Ok(found) => found,
        Err(refusal) => return ask_again(visit, tenant, &secret, None, refusal, &key).await,
    };
    match door.accounts.verify_key(&pending, &account, visit.form.text("answer"), visit.now).await {
        Ok(KeyAccepted { shown, assertion }) => {
            let amr = shown.methods.iter().map(|method| (*method).to_owned()).collect();
            record_key(visit, "SecurityKeyUsed", &account, shown.key, amr).await?;
            begin(visit, door, &account, &assertion, None).await
        }
        Err(refusal) => ask_again(visit, tenant, &secret, Some(&account), refusal, &key).await,
    }
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
            let wrong = not_added(refusal);
            enrol_again(visit, door, tenant, &secret, &account, refusal, ("security-key", wrong)).await
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
