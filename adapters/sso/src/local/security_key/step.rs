//! Security keys in the second step of a sign-in: shown, or enrolled for the first time.

use super::super::accounts::Accounts;
use super::super::pending::Pending;
use super::super::recovery::DrawnCodes;
use super::super::refusal::{Reason, Refusal};
use super::{KeyRequest, KeyShown, SecurityKeys};
use domain::access::Factor;
use domain::directory::{Account, SecurityKey};
use domain::identity::Assertion;
use domain::time::Timestamp;

/// A key that was accepted as the second step.
pub struct KeyAccepted {
    /// Which one, and how.
    pub shown: KeyShown,
    /// What is known of the person now.
    pub assertion: Assertion,
}

/// A key that was enrolled as the first second factor; nothing of it is stored yet.
pub struct KeyEnrolled {
    /// The key, for [`Account::security_keys`].
    pub key: SecurityKey,
    /// Recovery codes, to be shown once; their hashes are for [`Account::recovery`].
    pub recovery: DrawnCodes,
    /// What is known of the person now.
    pub assertion: Assertion,
}

impl Accounts {
    /// Asks for a security key as the second step; `None` where the account has none of this host, or keys cannot be used here.
    ///
    /// # Errors
    /// [`Reason::StepOver`], [`Reason::OtherAccount`], [`Reason::AccountDisabled`]; the reasons of [`SecurityKeys::begin_use`].
    pub async fn ask_key(
        &self,
        pending: &Pending,
        account: &Account,
        now: Timestamp,
    ) -> Result<Option<KeyRequest>, Refusal> {
        pending.is_of(account, false)?;
        let has_one = |keys: &&SecurityKeys| account.keys_of(Some(keys.host())).next().is_some();
        let Some(keys) = self.security_keys.as_ref().filter(has_one) else { return Ok(None) };
        keys.begin_use(account, pending.browser(), now).await.map(Some)
    }

    /// Verifies the answer of a security key as the second step.
    ///
    /// # Errors
    /// The reasons of [`SecurityKeys::finish_use`], after which another key or challenge may be tried; [`Reason::NotEnrolled`],
    /// [`Reason::StepOver`], [`Reason::OtherAccount`], [`Reason::AccountDisabled`].
    pub async fn verify_key(
        &self,
        pending: &Pending,
        account: &Account,
        answer: &str,
        now: Timestamp,
    ) -> Result<KeyAccepted, Refusal> {
        pending.is_of(account, false)?;
        let shown = self.keys()?.finish_use(account, pending.browser(), answer, now).await?;
        self.end(pending).await?;
        Ok(KeyAccepted { shown, assertion: account.to_assertion(Factor::Shown, now) })
    }

    /// Asks for a security key that is to be the person's first second factor; `None` where keys cannot be used here.
    ///
    /// # Errors
    /// As [`Accounts::begin_enrolment`]; the reasons of [`SecurityKeys::begin_registration`].
    pub async fn begin_key_enrolment(
        &self,
        pending: &Pending,
        account: &Account,
        now: Timestamp,
    ) -> Result<Option<KeyRequest>, Refusal> {
        pending.may_enrol_key(account)?;
        let Some(keys) = self.security_keys.as_ref() else { return Ok(None) };
        keys.begin_registration(account, pending.browser(), now).await.map(Some)
    }

    /// Enrols a security key by its answer, as the person's first second factor.
    ///
    /// # Errors
    /// As [`Accounts::begin_key_enrolment`]; the reasons of [`SecurityKeys::finish_registration`], after which the step may be tried
    /// again.
    pub async fn finish_key_enrolment(
        &self,
        pending: &Pending,
        account: &Account,
        name: &str,
        answer: &str,
        taken: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Result<KeyEnrolled, Refusal> {
        pending.may_enrol_key(account)?;
        let recovery = self.recovery.draw(account.id)?;
        let key = self.keys()?.finish_registration(account, pending.browser(), name, answer, taken, now).await?;
        self.end(pending).await?;
        Ok(KeyEnrolled { key, recovery, assertion: account.to_assertion(Factor::Shown, now) })
    }

    fn keys(&self) -> Result<&SecurityKeys, Reason> {
        self.security_keys.as_ref().ok_or(Reason::NotEnrolled)
    }
}
