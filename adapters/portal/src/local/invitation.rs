//! Taking up an invitation.

use super::{account, after_password, door, renew, step_over, unfit_in_words, verify};
use crate::answer::Answer;
use crate::doors::LocalDoor;
use crate::pages::{Errors, Here, InvitationPage, render};
use crate::problem::Problem;
use crate::signing_in::Browser;
use crate::visit::Visit;
use domain::administration::{NotChanged, Renewal};
use domain::directory::Account;
use domain::id::TenantId;
use sso::local::{Face, InvitationPurpose, NotTaken, Reason};

/// Shows the page of an invitation to whoever opens its link.
pub(crate) async fn invited(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let door = door(visit)?;
    look(visit, door).await?;
    invitation_page(visit, Errors::default())
}

/// Returns the tenant that an invitation is from; `None` when it is nobody's.
pub(crate) async fn invited_by(visit: &Visit<'_>) -> Result<Option<TenantId>, Problem> {
    let Ok(door) = door(visit) else { return Ok(None) };
    let stored = match door.accounts.invitations.look(visit.part("secret")).await {
        Ok(invited) => account(door, invited.account).await,
        Err(refusal) => Err(refusal),
    };
    match stored {
        Ok(account) => Ok(Some(account.tenant)),
        Err(refusal) if refusal.face() == Face::Unavailable => Err(Problem::Unavailable),
        Err(_) => Ok(None),
    }
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
