//! Signing in with a local account: the first step, name and password.

use super::browser::Browsers;
use super::invitation::Invitations;
use super::keys::LocalKeys;
use super::one_time::OneTimePasswords;
use super::password::{Breached, Busy, Costs, Lane, NotTaken, Password, Passwords, PoolLimits, Setting, Verdict};
use super::recovery::RecoveryCodes;
use super::refusal::{Reason, Refusal};
use super::security_key::SecurityKeys;
use super::throttle::{Throttle, ThrottleLimits, Wait};
use domain::access::Factor;
use domain::directory::{Account, Hidden, SecondFactor};
use domain::id::{RecordId, TenantId};
use domain::identity::Assertion;
use domain::ports::Unavailable;
use domain::ticket::TicketBook;
use domain::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// Local accounts, as a sign-in page calls them.
pub struct Accounts {
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Slows down whoever guesses.
    pub throttle: Throttle,
    /// Recognises browsers.
    pub browsers: Browsers,
    /// Decides about one-time passwords.
    pub one_time: OneTimePasswords,
    /// Makes and accepts recovery codes.
    pub recovery: RecoveryCodes,
    /// Asks for security keys and judges their answers; `None` where the gateway's address is no name.
    pub security_keys: Option<SecurityKeys>,
    /// Makes and takes invitations.
    pub invitations: Invitations,
    pub(super) book: Arc<TicketBook>,
}

/// What an operator may set.
pub struct LocalSettings {
    /// What one password hash costs.
    pub costs: Costs,
    /// How many are computed at once.
    pub pool: PoolLimits,
    /// How many attempts are admitted.
    pub throttle: ThrottleLimits,
    /// Passwords that nobody may set.
    pub breached: Option<Breached>,
    /// Scheme, host and port under which browsers reach us: what security keys are made for.
    pub origin: String,
}

/// Who says to be whom, and from where.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The tenant at whose page it is.
    pub tenant: TenantId,
    /// The name that was typed, whether an account has it or not.
    pub name: &'a str,
    /// The peer's address.
    pub address: IpAddr,
    /// The cookie of [`Browsers::remember`], as the browser sent it.
    pub browser: Option<&'a str>,
    /// Who must show a second factor in this tenant.
    pub second_factor: SecondFactor,
}

/// A right password; what is to be done next.
pub struct PasswordShown {
    /// The hash to store instead of the account's, at the version that was read, where costs or pepper changed. It is the
    /// same password: [`Account::password_changed`] stays.
    pub rehash: Option<Hidden>,
    /// What must be shown besides.
    pub second_factor: Required,
    pub(super) tenant: TenantId,
    pub(super) account: RecordId,
    pub(super) at: Timestamp,
    /// [`Account::password_changed`] of the account that it was verified against.
    pub(super) since: Option<Timestamp>,
}

/// What must be shown besides the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// A one-time password or a security key, whichever is enrolled, or a recovery code in their place.
    Factor,
    /// A second factor must be enrolled first.
    Enrol,
    /// Nothing: the tenant relaxes it for people with these roles, and this one has enrolled none.
    None,
}

impl Accounts {
    /// Makes local accounts over a book of tickets.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn new(keys: LocalKeys, settings: LocalSettings, book: Arc<TicketBook>) -> Result<Self, Unavailable> {
        let LocalSettings { costs, pool, throttle, breached, origin } = settings;
        let entropy = Arc::clone(&book.entropy);
        Ok(Self {
            passwords: Passwords::new(costs, Some(keys.pepper), pool, breached, Arc::clone(&entropy))?,
            throttle: Throttle::new(throttle),
            browsers: Browsers::new(keys.browsers, entropy),
            one_time: OneTimePasswords::new(Arc::clone(&book)),
            recovery: RecoveryCodes::new(Arc::clone(&book)),
            security_keys: SecurityKeys::at(&origin, Arc::clone(&book)),
            invitations: Invitations::new(Arc::clone(&book)),
            book,
        })
    }

    /// Verifies a password; `account` is the one of that name and tenant, if there is one.
    ///
    /// Once it is admitted, an attempt costs one Argon2 hash and has one face, whether the account is there, disabled, has a
    /// password, or the password is wrong.
    ///
    /// # Errors
    /// [`Reason::Wait`] before anything is looked at; [`Reason::Busy`]; else the reason why it is not accepted.
    pub async fn verify_password(
        &self,
        account: Option<&Account>,
        presented: &str,
        attempt: &Attempt<'_>,
        now: Timestamp,
    ) -> Result<PasswordShown, Refusal> {
        let Attempt { tenant, name, address, browser, second_factor } = *attempt;
        let account = account.filter(|account| account.tenant == tenant);
        // Whether it is there or not, the cookie is looked at.
        let id = account.map_or(NOBODY, |account| account.id);
        let browser = browser.and_then(|cookie| self.browsers.recognise(cookie, tenant, id, now));
        let lane = if browser.is_some() { Lane::Known } else { Lane::Open };
        let admitted = self.throttle.admit(tenant, name, address, browser, now);
        let admission = admitted.map_err(|Wait(seconds)| Reason::Wait(seconds))?;

        let stored = account.and_then(|account| account.password.as_ref());
        let verdict = match self.passwords.verify(stored, Password::read(presented), lane).await {
            Ok(verdict) => verdict,
            Err(Busy) => {
                self.throttle.not_tried(&admission, self.book.clock.now());
                return Err(Reason::Busy.into());
            }
        };
        match accept(account, verdict) {
            Ok((account, rehash)) => {
                self.throttle.succeeded(&admission, self.book.clock.now());
                let second_factor = Required::of(account, second_factor);
                let (id, since) = (account.id, account.password_changed);
                Ok(PasswordShown { rehash, second_factor, tenant, account: id, at: now, since })
            }
            Err(reason) => {
                let failures = self.throttle.failed(&admission, now);
                Err(Refusal { reason, alert: failures.alert, key: None })
            }
        }
    }

    /// Takes a new password for an account and returns the hash to store; `tenant_name` is a word it must not rest on.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn new_password(
        &self,
        account: &Account,
        tenant_name: &str,
        second_factor: SecondFactor,
        text: &str,
    ) -> Result<Hidden, NotTaken> {
        let alone = Required::of(account, second_factor) == Required::None;
        let words = [account.name.as_str(), account.display.as_str(), tenant_name, "sealgate"];
        self.passwords.take(text, &Setting { words: &words, alone }).await
    }

    /// Returns the host whose pages security keys answer here; `None` where the gateway's address is no name.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.security_keys.as_ref().map(SecurityKeys::host)
    }

    /// Says whether the person has a second factor to show here: a key of another host cannot be.
    #[must_use]
    pub fn can_show_second_factor(&self, account: &Account) -> bool {
        account.can_show_second_factor(self.host())
    }

    /// Returns the cookie to keep at a browser where this account has signed in just now, see [`Browsers::remember`].
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn remember(&self, cookie: Option<&str>, account: &Account, now: Timestamp) -> Result<String, Unavailable> {
        self.browsers.remember(cookie, account.tenant, account.id, now)
    }
}

impl Required {
    /// Whoever has enrolled a second factor shows it, or a recovery code, whatever the tenant relaxes and whatever host this is.
    #[must_use]
    pub fn of(account: &Account, second_factor: SecondFactor) -> Self {
        if account.has_second_factor() {
            Required::Factor
        } else if second_factor.is_required_of(account.roles) {
            Required::Enrol
        } else {
            Required::None
        }
    }
}

impl PasswordShown {
    /// Returns what is known of the person where no second factor is required of them; else `None`.
    #[must_use]
    pub fn assertion(&self, account: &Account) -> Option<Assertion> {
        let same = account.id == self.account && account.tenant == self.tenant;
        (same && self.second_factor == Required::None).then(|| account.to_assertion(Factor::Missing, self.at))
    }
}

/// Decides once the hash was compared; the reasons differ in the audit entry only.
fn accept(account: Option<&Account>, verdict: Verdict) -> Result<(&Account, Option<Hidden>), Reason> {
    let account = account.ok_or(Reason::UnknownAccount)?;
    match verdict {
        Verdict::Right { rehash } if account.enabled => Ok((account, rehash)),
        Verdict::Right { .. } => Err(Reason::AccountDisabled),
        Verdict::Wrong if account.password.is_none() => Err(Reason::NoPassword),
        Verdict::Wrong => Err(Reason::WrongPassword),
        Verdict::Unreadable => Err(Reason::StoredHash),
    }
}

/// Stands in for the id of an account that is not there.
const NOBODY: RecordId = RecordId([0; 16]);

#[cfg(test)]
mod tests;
