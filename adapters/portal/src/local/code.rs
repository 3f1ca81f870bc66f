//! The second step: a code of the app, or a recovery code.

use super::{account, begin, door, faced, note_of, pending, renew};
use crate::answer::Answer;
use crate::cookie::Cookie;
use crate::csrf;
use crate::doors::LocalDoor;
use crate::pages::{CodePage, Errors, Here, KeyForm, render};
use crate::problem::Problem;
use crate::signing_in::{step, tenant};
use crate::visit::Visit;
use domain::administration::{NotChanged, Renewal};
use domain::directory::{Account, Tenant};
use domain::identity::Assertion;
use domain::secret::Secret;
use sso::local::{Face, Pending, Reason, Refusal};

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
    let token = csrf::token(&visit.service.sign_in.book.keys, secret);
    let Asked { recovery, elsewhere, code, key } = asked(visit, tenant, secret, &token, recovery).await;
    let (this, other) = if recovery { ("recovery", "code") } else { ("code", "recovery") };
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
        elsewhere,
        key,
        other: step(visit, tenant.id, other),
        back: visit.place().behind(&format!("/sign-in/{}", tenant.id)),
    };
    Ok(Answer::page(render(&page)?).scripted(script))
}

/// What is asked for as the second factor.
struct Asked {
    /// A recovery code in its place.
    recovery: bool,
    /// Nothing else, as every security key is of another host.
    elsewhere: bool,
    /// A code of an app.
    code: bool,
    /// The answer of a security key.
    key: Option<KeyForm>,
}

impl Asked {
    const fn code(recovery: bool) -> Self {
        Self { recovery, elsewhere: false, code: true, key: None }
    }
}

/// Returns what the account of the step under way can show. To whoever has shown no password the page is one and the same.
async fn asked(visit: &Visit<'_>, tenant: &Tenant, secret: &Secret<32>, token: &str, recovery: bool) -> Asked {
    let Ok(door) = door(visit) else { return Asked::code(recovery) };
    let Ok((pending, account)) = under_way(door, tenant, secret).await else { return Asked::code(recovery) };
    if account.has_second_factor() && !door.accounts.can_show_second_factor(&account) {
        return Asked { elsewhere: true, ..Asked::code(true) };
    }
    if recovery {
        return Asked::code(true);
    }
    match door.accounts.ask_key(&pending, &account, visit.now).await {
        Ok(Some(asked)) => {
            let (action, token) = (step(visit, tenant.id, "key"), token.to_owned());
            let key = KeyForm { action, token, way: "get", options: asked.0 };
            Asked { code: account.totp.is_some(), key: Some(key), ..Asked::code(false) }
        }
        // A recovery code is left to whoever has a key that cannot be asked for now.
        Ok(None) | Err(_) => Asked::code(false),
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
