//! Signing in with a local account: the second step, after a right password.
//!
//! That the password was right is kept as a ticket, which the browser finds by a secret; the second step ends it. So no page
//! can leave the first step out, and no first step serves twice.

use super::accounts::{Accounts, PasswordShown};
use super::one_time::Enrolment;
use super::recovery::{DrawnCodes, UsedCode};
use super::refusal::{Reason, Refusal};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::Factor;
use domain::directory::{Account, Hidden};
use domain::id::{RecordId, TenantId};
use domain::identity::Assertion;
use domain::secret::Secret;
use domain::ticket::{Kept, TicketKey, TicketKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// For how long a second step may follow the first, in seconds.
pub const PENDING_SECONDS: i64 = 600;

/// A person who has shown a password, and is asked for more.
pub struct Pending {
    key: TicketKey,
    kept: Kept<Value>,
}

/// A second factor that was enrolled and shown for the first time; nothing of it is stored yet.
pub struct Enrolled {
    /// The secret, for [`Account::totp`].
    pub totp: Hidden,
    /// Recovery codes, to be shown once; their hashes are for [`Account::recovery`].
    pub recovery: DrawnCodes,
    /// What is known of the person now.
    pub assertion: Assertion,
}

/// A recovery code that was accepted.
pub struct Recovered {
    /// Its hash, to be taken from [`Account::recovery`].
    pub used: String,
    /// The hashes that are left there then.
    pub left: Vec<String>,
    /// What is known of the person now.
    pub assertion: Assertion,
}

impl Pending {
    /// Returns the tenant.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.kept.tenant
    }

    /// Returns the account to load.
    #[must_use]
    pub fn account(&self) -> RecordId {
        self.kept.value.account
    }

    /// Returns what only the browser has by which it was found: a hash of it.
    pub(super) fn browser(&self) -> &[u8] {
        &self.key.0
    }

    /// Returns when password or second factor had last been changed, in the account that the person proved themselves against. Whoever
    /// writes what they chose writes it to an account of which that is still so.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.kept.value.since
    }

    /// Returns the moment from which it begins again.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.kept.expires
    }
}

impl Accounts {
    /// Asks for the second step. Returns the secret by which the browser finds it: 256 random bits in base64url.
    ///
    /// # Errors
    /// [`Reason::Unavailable`].
    pub async fn ask(&self, shown: &PasswordShown, now: Timestamp) -> Result<Hidden, Refusal> {
        let value = Value { account: shown.account, since: shown.since, replaces: false, enrolling: None };
        self.keep(shown.tenant, &value, now).await
    }

    /// Lets a signed-in person enrol a second factor in place of the one they have.
    ///
    /// The caller sees to it that they have shown the one they have in this very session, not long ago.
    ///
    /// # Errors
    /// [`Reason::Unavailable`].
    pub async fn ask_new_factor(&self, account: &Account, now: Timestamp) -> Result<Hidden, Refusal> {
        let value = Value { account: account.id, since: account.password_changed, replaces: true, enrolling: None };
        self.keep(account.tenant, &value, now).await
    }

    /// Finds who is asked for a second step.
    ///
    /// # Errors
    /// [`Reason::StepOver`] when there is nobody: too late, finished, or never begun.
    pub async fn pending(&self, secret: &str) -> Result<Pending, Refusal> {
        let key = self.book.keys.key(KIND, &[secret.as_bytes()]);
        let kept = self.book.find(KIND, key).await?.ok_or(Reason::StepOver)?;
        Ok(Pending { key, kept })
    }

    /// Verifies a one-time password as the second step.
    ///
    /// # Errors
    /// The reasons of [`OneTimePasswords::accept`](super::OneTimePasswords::accept), after which the step may be tried
    /// again; [`Reason::NotEnrolled`], [`Reason::StepOver`], [`Reason::OtherAccount`], [`Reason::AccountDisabled`].
    pub async fn verify_code(
        &self,
        pending: &Pending,
        account: &Account,
        code: &str,
        now: Timestamp,
    ) -> Result<Assertion, Refusal> {
        pending.is_of(account, false)?;
        let secret = account.totp.as_ref().ok_or(Reason::NotEnrolled)?;
        self.one_time.accept(account.tenant, account.id, secret, code, now).await?;
        self.end(pending).await?;
        Ok(account.to_assertion(Factor::Shown, now))
    }

    /// Verifies a recovery code as the second step.
    ///
    /// # Errors
    /// The reasons of [`RecoveryCodes::accept`](super::RecoveryCodes::accept); [`Reason::StepOver`],
    /// [`Reason::OtherAccount`], [`Reason::AccountDisabled`].
    pub async fn verify_recovery(
        &self,
        pending: &Pending,
        account: &Account,
        code: &str,
        now: Timestamp,
    ) -> Result<Recovered, Refusal> {
        pending.is_of(account, false)?;
        let UsedCode { hash, left } = self.recovery.accept(account, code, now).await?;
        self.end(pending).await?;
        Ok(Recovered { used: hash, left, assertion: account.to_assertion(Factor::Shown, now) })
    }

    /// Draws the secret of a second factor, or returns the one that was drawn in this step already: a page that is loaded
    /// again shows the same. `issuer` is the name under which an app lists it.
    ///
    /// # Errors
    /// [`Reason::AlreadyEnrolled`]: a password alone does not replace a second factor. [`Reason::StepOver`],
    /// [`Reason::OtherAccount`], [`Reason::AccountDisabled`].
    pub async fn begin_enrolment(
        &self,
        pending: &Pending,
        account: &Account,
        issuer: &str,
    ) -> Result<Enrolment, Refusal> {
        pending.may_enrol(account)?;
        if let Some(drawn) = &pending.kept.value.enrolling {
            return Ok(Enrolment::of(drawn.clone(), issuer, &account.name));
        }
        let drawn = self.one_time.draw(issuer, &account.name)?;
        let value = Value { enrolling: Some(drawn.secret.clone()), ..pending.kept.value.clone() };
        if self.book.replace(KIND, &pending.kept, pending.kept.expires, &value).await? {
            return Ok(drawn);
        }
        // The same page was asked for twice at once: the other has drawn.
        let other: Option<Kept<Value>> = self.book.find(KIND, pending.key).await?;
        let drawn = other.and_then(|other| other.value.enrolling).ok_or(Reason::StepOver)?;
        Ok(Enrolment::of(drawn, issuer, &account.name))
    }

    /// Enrols the drawn secret by a code of it.
    ///
    /// # Errors
    /// As [`Accounts::begin_enrolment`]; [`Reason::NotEnrolled`] when nothing was drawn; the reasons of
    /// [`OneTimePasswords::accept`](super::OneTimePasswords::accept), after which the step may be tried again.
    pub async fn finish_enrolment(
        &self,
        pending: &Pending,
        account: &Account,
        code: &str,
        now: Timestamp,
    ) -> Result<Enrolled, Refusal> {
        pending.may_enrol(account)?;
        let secret = pending.kept.value.enrolling.as_ref().ok_or(Reason::NotEnrolled)?;
        let recovery = self.recovery.draw(account.id)?;
        self.one_time.accept(account.tenant, account.id, secret, code, now).await?;
        self.end(pending).await?;
        Ok(Enrolled { totp: secret.clone(), recovery, assertion: account.to_assertion(Factor::Shown, now) })
    }

    async fn keep(&self, tenant: TenantId, value: &Value, now: Timestamp) -> Result<Hidden, Refusal> {
        let secret = Secret::<32>::fill(self.book.entropy.as_ref())?;
        let text = Hidden::new(URL_SAFE_NO_PAD.encode(secret.expose()));
        let key = self.book.keys.key(KIND, &[text.expose().as_bytes()]);
        let owner = self.book.keys.owner("second-factor", &[tenant.as_bytes(), value.account.as_bytes()]);
        let kept = self.book.put(KIND, tenant, key, owner, now.plus_seconds(PENDING_SECONDS), value).await?;
        if kept { Ok(text) } else { Err(Reason::Unavailable.into()) }
    }

    /// Ends the step; of several that finish it at once, one does.
    pub(super) async fn end(&self, pending: &Pending) -> Result<(), Refusal> {
        if self.book.remove(&pending.kept).await? { Ok(()) } else { Err(Reason::StepOver.into()) }
    }
}

impl Pending {
    /// Says whether it is a step of this account: a sign-in, or of somebody who is signed in and replaces what they have.
    pub(super) fn is_of(&self, account: &Account, replaces: bool) -> Result<(), Reason> {
        let Value { account: asked, since, replaces: replacing, .. } = &self.kept.value;
        if account.id != *asked || account.tenant != self.kept.tenant {
            return Err(Reason::OtherAccount);
        }
        if !account.enabled {
            return Err(Reason::AccountDisabled);
        }
        // One that was changed or taken away was another password. No clock is asked: the account that it was verified against may have
        // been some moments old, and gateways' clocks differ; a moment of change names one state of the account.
        let same = account.password.is_some() && account.password_changed == *since;
        if *replacing == replaces && same { Ok(()) } else { Err(Reason::StepOver) }
    }

    fn may_enrol(&self, account: &Account) -> Result<(), Reason> {
        self.is_of(account, self.kept.value.replaces)?;
        let allowed = !account.has_second_factor() || self.kept.value.replaces;
        if allowed { Ok(()) } else { Err(Reason::AlreadyEnrolled) }
    }

    /// A key that is the first second factor; whoever has one adds keys while they are signed in, in no step like this.
    pub(super) fn may_enrol_key(&self, account: &Account) -> Result<(), Reason> {
        self.is_of(account, false)?;
        if account.has_second_factor() { Err(Reason::AlreadyEnrolled) } else { Ok(()) }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Value {
    account: RecordId,
    /// When password or second factor had last been changed, in the account that the password was verified against.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Whether a second factor that is there may be replaced.
    replaces: bool,
    /// The secret that an app is taking over.
    enrolling: Option<Hidden>,
}

const KIND: TicketKind = TicketKind::SecondFactor;
