//! Invitations: how a person comes to a first password and second factor, or to new ones after they were taken away.
//!
//! An administrator only sends one; the person chooses.

use super::refusal::{Reason, Refusal};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::{Account, Hidden};
use domain::id::{RecordId, TenantId};
use domain::secret::Secret;
use domain::ticket::{Kept, TicketBook, TicketKey, TicketKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// For how long an invitation holds, in seconds: a day.
pub const INVITED_SECONDS: i64 = 86_400;

/// Makes and takes invitations.
pub struct Invitations {
    pub(super) book: Arc<TicketBook>,
}

/// What an invitation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitationPurpose {
    /// To set a password; a second factor that is enrolled stays, and is shown at the next sign-in.
    Password,
    /// To set a password and to enrol a second factor anew, where there is none or it was lost.
    PasswordAndFactor,
}

/// Whom an invitation is for: the person of an account, as it was when they were invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invited {
    /// The tenant.
    pub tenant: TenantId,
    /// The account.
    pub account: RecordId,
    /// What for.
    pub purpose: InvitationPurpose,
    since: Option<Timestamp>,
}

impl Invitations {
    /// Makes invitations over a book of tickets.
    #[must_use]
    pub fn new(book: Arc<TicketBook>) -> Self {
        Self { book }
    }

    /// Invites the person of an account. Returns the secret for the link: 256 random bits in base64url, kept nowhere.
    /// Earlier invitations of the account no longer hold; nor does this one once its password or second factor was changed or taken
    /// away, also where nobody came to take the invitation back.
    ///
    /// # Errors
    /// [`Reason::Unavailable`].
    pub async fn send(&self, account: &Account, purpose: InvitationPurpose, now: Timestamp) -> Result<Hidden, Refusal> {
        self.take_back(account.tenant, account.id).await?;
        let secret = Secret::<32>::fill(self.book.entropy.as_ref())?;
        let text = Hidden::new(URL_SAFE_NO_PAD.encode(secret.expose()));
        let name: [&[u8]; 2] = [account.tenant.as_bytes(), account.id.as_bytes()];
        let (key, owner) = (self.key(text.expose()), self.book.keys.owner(SPACE, &name));
        let expires = now.plus_seconds(INVITED_SECONDS);
        let value = Value { account: account.id, purpose, since: account.password_changed };
        let kept = self.book.put(KIND, account.tenant, key, owner, expires, &value).await?;
        if kept { Ok(text) } else { Err(Reason::Unavailable.into()) }
    }

    /// Looks at an invitation, to show the page of whoever opens the link. It goes on to hold. The caller loads the account and asks
    /// [`Invited::is_of`].
    ///
    /// # Errors
    /// [`Reason::StepOver`] when there is none, or it was taken, taken back or too old.
    pub async fn look(&self, secret: &str) -> Result<Invited, Refusal> {
        let kept: Option<Kept<Value>> = self.book.find(KIND, self.key(secret)).await?;
        kept.map(|kept| Invited::of(&kept)).ok_or_else(|| Reason::StepOver.into())
    }

    /// Takes an invitation of this account, once; of several at once, one gets it.
    ///
    /// # Errors
    /// [`Reason::StepOver`], also when the account is not as it was when its person was invited.
    pub async fn take(&self, secret: &str, account: &Account) -> Result<Invited, Refusal> {
        let kept: Option<Kept<Value>> = self.book.take(KIND, self.key(secret)).await?;
        let invited = kept.map(|kept| Invited::of(&kept)).filter(|invited| invited.is_of(account));
        invited.ok_or_else(|| Reason::StepOver.into())
    }

    /// Takes back every invitation of an account.
    ///
    /// # Errors
    /// [`Reason::Unavailable`].
    pub async fn take_back(&self, tenant: TenantId, account: RecordId) -> Result<(), Refusal> {
        let owner = self.book.keys.owner(SPACE, &[tenant.as_bytes(), account.as_bytes()]);
        self.book.tickets.remove_all(owner).await?;
        Ok(())
    }

    fn key(&self, secret: &str) -> TicketKey {
        self.book.keys.key(KIND, &[secret.as_bytes()])
    }
}

impl Invited {
    /// Says whether it is for the person of this account, and the account still as it was: a password that was set since, or taken away
    /// once more, is not to be chosen by an older link.
    #[must_use]
    pub fn is_of(&self, account: &Account) -> bool {
        account.id == self.account && account.tenant == self.tenant && account.password_changed == self.since
    }

    fn of(kept: &Kept<Value>) -> Self {
        let Value { account, purpose, since } = kept.value;
        Self { tenant: kept.tenant, account, purpose, since }
    }
}

#[derive(Serialize, Deserialize)]
struct Value {
    account: RecordId,
    purpose: InvitationPurpose,
    /// When password or second factor had last been changed when the person was invited.
    #[serde(default)]
    since: Option<Timestamp>,
}

const KIND: TicketKind = TicketKind::Invitation;
/// Invitations have owners of their own, so that taking them back ends nothing else.
const SPACE: &str = "invitation";

#[cfg(test)]
mod tests {
    use super::super::fixture::{account, book};
    use super::*;
    use domain::ports::Clock;

    #[tokio::test]
    async fn an_invitation_is_looked_at_often_and_taken_once() {
        let (book, clock) = book();
        let (invitations, account) = (Invitations::new(book), account());
        let secret = invitations.send(&account, InvitationPurpose::Password, clock.now()).await.unwrap();
        assert_eq!(secret.expose().len(), 43);
        let (purpose, since) = (InvitationPurpose::Password, account.password_changed);
        let invited = Invited { tenant: account.tenant, account: account.id, purpose, since };
        assert_eq!(invitations.look(secret.expose()).await, Ok(invited));
        assert_eq!(invitations.look(secret.expose()).await, Ok(invited));
        assert_eq!(invitations.take(secret.expose(), &account).await, Ok(invited));
        assert_eq!(invitations.take(secret.expose(), &account).await, Err(Reason::StepOver.into()));
        assert_eq!(invitations.look(secret.expose()).await, Err(Reason::StepOver.into()));
    }

    #[tokio::test]
    async fn it_holds_for_a_day_until_it_is_taken_back_or_replaced() {
        let (book, clock) = book();
        let (invitations, account) = (Invitations::new(book), account());
        let first = invitations.send(&account, InvitationPurpose::Password, clock.now()).await.unwrap();
        let second = invitations.send(&account, InvitationPurpose::Password, clock.now()).await.unwrap();
        assert!(invitations.look(first.expose()).await.is_err());
        clock.advance(INVITED_SECONDS - 1);
        assert!(invitations.look(second.expose()).await.is_ok());
        clock.advance(1);
        assert!(invitations.take(second.expose(), &account).await.is_err());
        let third = invitations.send(&account, InvitationPurpose::Password, clock.now()).await.unwrap();
        invitations.take_back(account.tenant, account.id).await.unwrap();
        assert!(invitations.take(third.expose(), &account).await.is_err());
    }

    #[tokio::test]
    async fn it_is_void_once_the_account_was_changed_although_nobody_took_it_back() {
        let (book, clock) = book();
        let (invitations, account) = (Invitations::new(book), account());
        let reset = Account { password_changed: Some(clock.now()), ..account.clone() };
        let other = Account { id: RecordId([9; 16]), ..account.clone() };
        for changed in [&reset, &other] {
            let secret = invitations.send(&account, InvitationPurpose::Password, clock.now()).await.unwrap();
            let invited = invitations.look(secret.expose()).await.unwrap();
            assert!(invited.is_of(&account) && !invited.is_of(changed));
            assert_eq!(invitations.take(secret.expose(), changed).await, Err(Reason::StepOver.into()));
        }
    }
}
