//! Connections, accounts and applications: adding and changing the ways people and programs sign in.

use super::change::now_or_never;
use super::{Administration, By, ChangeFault, NotChanged, Stored};
use crate::access::{self, Administer, Clinics, Permit, Purpose, Resource, Roles, Subject, authorise};
use crate::directory::{Account, Application, Connection, Entry, Hidden, SecurityKey, Tenant, TenantSettings};
use crate::id::{RecordId, TenantId};
use crate::identity::moved;
use crate::kind::Kind;
use crate::secret::constant_time_eq;
use crate::time::Timestamp;
use crate::write::Version;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;

/// A person's account to be added; what proves that it is them comes by an invitation, which the person takes up.
pub struct NewAccount {
    /// The tenant it is admitted to.
    pub tenant: TenantId,
    /// The sign-in name.
    pub name: String,
    /// A name for people to read.
    pub display: String,
    /// The person's roles.
    pub roles: Roles,
    /// The clinics these reach.
    pub clinics: Clinics,
    /// What the person acts for.
    pub purpose: Purpose,
}

/// What is taken away of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The password; the second factor stays, and must be shown by whoever sets another password.
    Password,
    /// The password, the second factor with every security key, and the recovery codes.
    PasswordAndFactor,
}

/// What a person changes about their own account.
///
/// `since` is when its password or second factor had last been changed, in the account that the person proved themselves against: what was
/// reset or changed since is not undone by what was begun before.
pub enum Renewal {
    /// Everything at once, as an invitation is taken up; there are no security keys then.
    All {
        /// See above.
        since: Option<Timestamp>,
        /// The password's Argon2id hash in PHC form.
        password: Hidden,
        /// The seed of one-time passwords, base32; `None` where the tenant asks for no second factor.
        totp: Option<Hidden>,
        /// SHA-256 of each recovery code, hexadecimal.
        recovery: Vec<String>,
    },
    /// Another password.
    Password {
        /// See above.
        since: Option<Timestamp>,
        /// Its Argon2id hash in PHC form.
        password: Hidden,
    },
    /// The same password hashed anew, at a higher cost; sessions go on. The first is the hash that was verified.
    Rehash(Hidden, Hidden),
    /// Another second factor with its recovery codes, or none; in place of what the account had when the person proved themselves.
    SecondFactor {
        /// The seed that the account had then.
        before: Option<Hidden>,
        /// See above.
        since: Option<Timestamp>,
        /// The seed of one-time passwords, base32.
        totp: Option<Hidden>,
        /// SHA-256 of each recovery code, hexadecimal.
        recovery: Vec<String>,
    },
    /// One more security key.
    SecurityKey {
        /// See above.
        since: Option<Timestamp>,
        /// The key.
        key: SecurityKey,
        /// Recovery codes, SHA-256 of each, hexadecimal, where the key is the account's first second factor: then the sessions of
        /// before are over. `None` where it is one more; sessions go on.
        recovery: Option<Vec<String>>,
    },
    /// A security key is not to count any more; another second factor must be left where there was one.
    RemovedSecurityKey {
        /// See above.
        since: Option<Timestamp>,
        /// The key.
        key: RecordId,
        /// The host of this gateway, see [`SecurityKey::is_of`].
        host: Option<String>,
    },
    /// Other recovery codes; sessions go on.
    Recovery {
        /// See above.
        since: Option<Timestamp>,
        /// SHA-256 of each, hexadecimal.
        recovery: Vec<String>,
    },
    /// A recovery code was shown, SHA-256, hexadecimal: of several who show it at once, one succeeds. Sessions go on.
    UsedRecovery(String),
}

impl Administration {
    /// Adds a connection; its id and moment of creation are given here, whatever they were.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_connection(&self, by: &By<'_>, connection: Connection) -> Result<Connection, NotChanged> {
        let created = self.now();
        let connection = Connection { id: RecordId::from_time(created, self.random()?), created, ..connection };
        self.add_checked(by, connection).await
    }

    /// Changes a connection: its settings, its rules, whether it is enabled. Name and tenant stay.
    ///
    /// Sessions that came by it are over once it is disabled or vouches otherwise, and do not resume while none of its rules gives what they
    /// have.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_connection(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut Connection) + Send,
    ) -> Result<Connection, NotChanged> {
        self.change_now(by, id, change).await
    }

    /// Adds a person's account, by which nobody can sign in yet.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_account(&self, by: &By<'_>, new: NewAccount) -> Result<Account, NotChanged> {
        let created = self.now();
        let account = Account {
            id: RecordId::from_time(created, self.random()?),
            tenant: new.tenant,
            name: new.name,
            display: new.display,
            roles: new.roles,
            clinics: new.clinics,
            purpose: new.purpose,
            password: None,
            totp: None,
            recovery: Vec::new(),
            security_keys: Vec::new(),
            enabled: true,
            created,
            password_changed: None,
            ended: None,
        };
        self.add_checked(by, account).await
    }

    /// Changes a person's name for people to read, roles, clinics, purpose, or whether they may sign in. Sign-in name and
    /// tenant stay, and so does what proves that it is them.
    ///
    /// Sessions are over once roles, clinics or purpose are others, or it is disabled; also when that is undone.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_account(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut Account) + Send,
    ) -> Result<Account, NotChanged> {
        self.change_now(by, id, change).await
    }

    /// Takes away what proves that somebody is this person. Their sessions do not resume, and they come back by an
    /// invitation only.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn reset_account(&self, by: &By<'_>, id: RecordId, reset: Reset) -> Result<Account, NotChanged> {
        let changed = self.reset_account_at(by, id, None, reset).await;
        changed.map(|stored| stored.entry).map_err(now_or_never)
    }

    /// Does the same at the expected version, where one is given.
    ///
    /// # Errors
    /// [`ChangeFault`].
    pub async fn reset_account_at(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
        reset: Reset,
    ) -> Result<Stored<Account>, ChangeFault<Infallible>> {
        // The next millisecond: later than every session that could begin before, in the precision that is stored.
        let over = Timestamp(self.now().0.saturating_add(1_000));
        let changed = self.apply(by, id, expected, |account: &Account| {
            let password_changed = Some(later(account, over));
            let account = Account { password: None, password_changed, ..account.clone() };
            Ok(match reset {
                Reset::Password => account,
                Reset::PasswordAndFactor => {
                    Account { totp: None, recovery: Vec::new(), security_keys: Vec::new(), ..account }
                }
            })
        });
        Ok(changed.await?.after)
    }

    /// Takes one security key of a person away: it was lost, or is not theirs. Their sessions do not resume. `host` is that of this
    /// gateway, see [`SecurityKey::is_of`]: where one of its keys can be shown, one must be left.
    ///
    /// # Errors
    /// [`NotChanged::UnknownEntry`] for a key that the account does not have; [`NotChanged::LastFactor`] where nothing else would
    /// be left: then password and second factor are taken away by [`Administration::reset_account`], so that a password alone does
    /// not set up another; else [`NotChanged`].
    pub async fn remove_security_key(
        &self,
        by: &By<'_>,
        id: RecordId,
        key: RecordId,
        host: Option<&str>,
    ) -> Result<Account, NotChanged> {
        // As for a reset: later than every session that could begin before.
        let over = Timestamp(self.now().0.saturating_add(1_000));
        match self.apply(by, id, None, |account: &Account| without_key(account, key, host, over)).await {
            Ok(changed) => Ok(changed.after.entry),
            Err(ChangeFault::Refused(fault) | ChangeFault::NotChanged(fault)) => Err(fault),
            Err(ChangeFault::OtherVersion) => Err(NotChanged::Raced),
        }
    }

    /// Changes what a person may change about their own account. Whoever calls has verified that it is them: by their
    /// password and second factor, or by an invitation. It is recorded as their act.
    ///
    /// # Errors
    /// [`NotChanged::UnknownEntry`] for somebody of another tenant, a disabled account or a security key that is not there;
    /// [`NotChanged::LastFactor`] for a security key that is all there is; [`NotChanged::Raced`] for a recovery code that is used up,
    /// a hash that is no longer the password's, or a password or second factor that was changed meanwhile; else [`NotChanged`].
    pub async fn renew(&self, person: &By<'_>, account: RecordId, renewal: Renewal) -> Result<Account, NotChanged> {
        let stored = self.current::<Account>(account).await?;
        let now = self.now();
        let before = &stored.entry;
        if person.actor.subject.tenant != before.tenant || !before.enabled {
            return Err(NotChanged::UnknownEntry);
        }
        let after = renewed(before, renewal, now)?;
        after.validate().map_err(NotChanged::Invalid)?;
        // Nobody has a role for this: the gateway keeps the directory, and does it on behalf of the person.
        let gateway = Subject::gateway();
        let resource = Resource::record(TenantId::SYSTEM, Kind::Account);
        let permit: Permit<Administer> =
            authorise(&gateway, &resource, &access::Context::at(self.clock.now())).map_err(|_| NotChanged::Denied)?;
        self.replace(permit, person, &stored, &after).await?;
        Ok(after)
    }

    /// Returns an account as it is stored at this moment, whatever a directory said a moment ago.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn stored_account(&self, id: RecordId) -> Result<Account, NotChanged> {
        Ok(self.current(id).await?.entry)
    }

    /// Returns a connection as it is stored at this moment.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn stored_connection(&self, id: RecordId) -> Result<Connection, NotChanged> {
        Ok(self.current(id).await?.entry)
    }

    /// Adds an application; its id and moment of creation are given here, whatever they were.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_application(&self, by: &By<'_>, application: Application) -> Result<Application, NotChanged> {
        let created = self.now();
        let application = Application { id: RecordId::from_time(created, self.random()?), created, ..application };
        self.add_checked(by, application).await
    }

    /// Changes an application: its keys, addresses, scopes, whether it is enabled. Name and tenant stay. What people granted it is over once
    /// it is disabled.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_application(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut Application) + Send,
    ) -> Result<Application, NotChanged> {
        self.change_now(by, id, change).await
    }

    /// Changes what a tenant decides about the people who sign in.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_settings(
        &self,
        by: &By<'_>,
        tenant: TenantId,
        change: impl FnOnce(&mut TenantSettings) + Send,
    ) -> Result<Tenant, NotChanged> {
        match self.change_now(by, RecordId(tenant.0), |tenant: &mut Tenant| change(&mut tenant.settings)).await {
            Err(NotChanged::UnknownEntry) => Err(NotChanged::UnknownTenant),
            other => other,
        }
    }
}

/// Applies a renewal; [`NotChanged::Raced`] when what it builds on is no longer there.
fn renewed(account: &Account, renewal: Renewal, now: Timestamp) -> Result<Account, NotChanged> {
    let account = account.clone();
    let (was, changed) = (account.password_changed, Some(later(&account, now)));
    let only_if = |holds: bool| if holds { Ok(()) } else { Err(NotChanged::Raced) };
    Ok(match renewal {
        Renewal::All { since, password, totp, recovery } => {
            only_if(was == since)?;
            let (password, security_keys) = (Some(password), Vec::new());
            Account { password, totp, recovery, security_keys, password_changed: changed, ..account }
        }
        Renewal::Password { since, password } => {
            only_if(was == since)?;
            Account { password: Some(password), password_changed: changed, ..account }
        }
        Renewal::Rehash(before, password) => {
            only_if(account.password.as_ref() == Some(&before))?;
            Account { password: Some(password), ..account }
        }
        Renewal::SecondFactor { before, since, totp, recovery } => {
            // Of two who enrol at once, one does; and nobody enrols who proved themselves before a reset.
            only_if(account.totp == before && was == since)?;
            Account { totp, recovery, password_changed: changed, ..account }
        }
        Renewal::SecurityKey { since, key, recovery } => {
            // As above; and what was to be the first second factor is none once another was enrolled.
            let has_other = account.has_second_factor();
            only_if(was == since && has_other == recovery.is_none())?;
            let mut more = account;
            more.security_keys.push(key);
            match recovery {
                Some(recovery) => Account { recovery, password_changed: changed, ..more },
                None => more,
            }
        }
        Renewal::RemovedSecurityKey { since, key, host } => {
            only_if(was == since)?;
            without_key(&account, key, host.as_deref(), now)?
        }
        Renewal::Recovery { since, recovery } => {
            only_if(was == since)?;
            Account { recovery, ..account }
        }
        Renewal::UsedRecovery(used) => {
            let other = |hash: &&String| !constant_time_eq(hash.as_bytes(), used.as_bytes());
            let left: Vec<String> = account.recovery.iter().filter(other).map(ToString::to_string).collect();
            only_if(left.len() < account.recovery.len())?;
            Account { recovery: left, ..account }
        }
    })
}

/// Returns the moment of a change of password or second factor.
fn later(account: &Account, now: Timestamp) -> Timestamp {
    account.password_changed.map_or(now, |before| moved(before, now))
}

/// Takes a security key away, from a moment on, see [`Account::can_spare`].
fn without_key(account: &Account, key: RecordId, host: Option<&str>, now: Timestamp) -> Result<Account, NotChanged> {
    if !account.security_keys.iter().any(|known| known.id == key) {
        return Err(NotChanged::UnknownEntry);
    }
    if !account.can_spare(key, host) {
        return Err(NotChanged::LastFactor);
    }
    let mut left = account.clone();
    left.security_keys.retain(|known| known.id != key);
    Ok(Account { password_changed: Some(later(account, now)), ..left })
}
