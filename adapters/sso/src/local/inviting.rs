//! Accounts as administrators keep them: whoever adds one or takes its proof away invites its person in the same breath.

use super::invitation::{InvitationPurpose, Invitations};
use super::security_key::forget_counters;
use domain::access::Address;
use domain::administration::{Administration, By, ChangeFault, NewAccount, NotChanged, Reset, Stored};
use domain::directory::{Account, Hidden};
use domain::id::RecordId;
use domain::sign_in::{Ending, Origin, SignIn};
use domain::write::Version;

/// Keeps accounts and invites their people.
pub struct Inviting {
    /// Writes the accounts.
    pub administration: Administration,
    /// Sends the invitations.
    pub invitations: Invitations,
}

/// An account, and the secret of the link that its person comes in by.
pub struct Invitation {
    /// The account as it is stored now.
    pub account: Stored<Account>,
    /// The secret, shown this once.
    pub secret: Hidden,
}

/// Why nobody was invited.
pub enum NotInvited {
    /// Nothing was written.
    NotChanged(NotChanged),
    /// The account is not at the version that was expected; nothing was written.
    OtherVersion,
    /// The account is written, and the invitation was not: a reset invites.
    NotSent(Box<Account>),
}

impl From<NotChanged> for NotInvited {
    fn from(fault: NotChanged) -> Self {
        NotInvited::NotChanged(fault)
    }
}

impl Inviting {
    /// Adds an account and invites its person.
    ///
    /// # Errors
    /// [`NotInvited`].
    pub async fn add(&self, by: &By<'_>, new: NewAccount) -> Result<Invitation, NotInvited> {
        let account = self.administration.add_account(by, new).await?;
        let stored = Stored { version: 1, last_updated: account.created, entry: account };
        self.invite(stored, InvitationPurpose::PasswordAndFactor).await
    }

    /// Takes away the password, and where it is wanted the second factor, ends the person's sessions and invites them to set both anew.
    ///
    /// # Errors
    /// [`NotInvited`].
    pub async fn reset(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
        second_factor: bool,
        sign_in: &SignIn,
    ) -> Result<Invitation, NotInvited> {
        let (reset, purpose) = if second_factor {
            (Reset::PasswordAndFactor, InvitationPurpose::PasswordAndFactor)
        } else {
            (Reset::Password, InvitationPurpose::Password)
        };
        let before = if second_factor { self.administration.stored_account(id).await.ok() } else { None };
        let account =
            self.administration.reset_account_at(by, id, expected, reset).await.map_err(|fault| match fault {
                ChangeFault::NotChanged(fault) => NotInvited::NotChanged(fault),
                ChangeFault::OtherVersion => NotInvited::OtherVersion,
                ChangeFault::Refused(never) => match never {},
            })?;
        if let Some(Account { tenant, id, security_keys, .. }) = before {
            // What is left of them is swept in time.
            let _ = forget_counters(&self.invitations.book, tenant, id, &security_keys).await;
        }
        let By { actor, .. } = by;
        let origin = Origin {
            address: actor.address.unwrap_or_default(),
            workstation: actor.workstation,
            allowed: Address::Allowed,
            correlation: actor.correlation,
        };
        let (tenant, person) = (account.entry.tenant, self.administration.person_of(&account.entry));
        // The account does not admit them any more, so one that cannot be ended now does not go on either.
        let _ = sign_in.end_of(person, Ending::Revoked, &origin, |session| session.tenant == tenant).await;
        self.invite(account, purpose).await
    }

    /// Changes an account; the open invitation of one that is disabled by it is taken back. Returns whether that was done, where
    /// it had to be: while the account is disabled, an invitation that is left opens nothing.
    ///
    /// # Errors
    /// [`ChangeFault`].
    pub async fn change<F>(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
        change: impl FnOnce(&mut Account) -> Result<(), F>,
    ) -> Result<(Stored<Account>, bool), ChangeFault<F>> {
        let changed = self.administration.change(by, id, expected, change).await?.after;
        let taken_back =
            changed.entry.enabled || self.invitations.take_back(changed.entry.tenant, changed.entry.id).await.is_ok();
        Ok((changed, taken_back))
    }

    async fn invite(&self, account: Stored<Account>, purpose: InvitationPurpose) -> Result<Invitation, NotInvited> {
        let now = self.administration.clock.now();
        match self.invitations.send(&account.entry, purpose, now).await {
            Ok(secret) => Ok(Invitation { account, secret }),
            Err(_) => Err(NotInvited::NotSent(Box::new(account.entry))),
        }
    }
}
