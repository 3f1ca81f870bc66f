//! Connections, accounts and applications: adding and changing the ways people and programs sign in.

use super::{Administration, By, NotChanged, known_clinics};
use crate::access::{self, Administer, Clinics, Permit, Purpose, Resource, Roles, Subject, authorise};
use crate::directory::{
    Account, Application, ApplicationUse, Connection, Directory, Entry, Hidden, SecurityKey, Tenant, TenantSettings,
};
use crate::id::{ClinicId, RecordId, TenantId};
use crate::kind::Kind;
use crate::secret::constant_time_eq;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

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
pub enum Renewal {
    /// Everything at once, as an invitation is taken up; there are no security keys then.
    All {
        /// The password's Argon2id hash in PHC form.
        password: Hidden,
        /// The seed of one-time passwords, base32; `None` where the tenant asks for no second factor.
        totp: Option<Hidden>,
        /// SHA-256 of each recovery code, hexadecimal.
        recovery: Vec<String>,
    },
    /// Another password; its Argon2id hash in PHC form.
    Password(Hidden),
    /// The same password hashed anew, at a higher cost; sessions go on. The first is the hash that was verified.
    Rehash(Hidden, Hidden),
    /// Another second factor with its recovery codes, or none; in place of what the account had when the person proved themselves.
    SecondFactor {
        /// The seed that the account had then.
        before: Option<Hidden>,
        /// When its password or second factor had last been changed then.
        since: Option<Timestamp>,
        /// The seed of one-time passwords, base32.
        totp: Option<Hidden>,
        /// SHA-256 of each recovery code, hexadecimal.
        recovery: Vec<String>,
    },
    /// One more security key.
    SecurityKey {
        /// When password or second factor had last been changed, when the person proved themselves.
        since: Option<Timestamp>,
        /// The key.
        key: SecurityKey,
        /// Recovery codes, SHA-256 of each, hexadecimal, where the key is the account's first second factor: then the sessions of
        /// before are over. `None` where it is one more; sessions go on.
        recovery: Option<Vec<String>>,
    },
    /// A security key is not to count any more; another second factor must be left.
    RemovedSecurityKey(RecordId),
    /// Other recovery codes, SHA-256 of each, hexadecimal; sessions go on.
    Recovery(Vec<String>),
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
    /// Sessions that came by it do not resume while it is disabled, nor once none of its rules gives what they have.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_connection(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut Connection) + Send,
    ) -> Result<Connection, NotChanged> {
        self.change_checked(by, id, |connection: &Connection| {
            let Connection { id, tenant, name, created, .. } = connection.clone();
            let mut changed = connection.clone();
            change(&mut changed);
            Connection { id, tenant, name, created, ..changed }
        })
        .await
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
        };
        self.add_checked(by, account).await
    }

    /// Changes a person's name for people to read, roles, clinics, purpose, or whether they may sign in. Sign-in name and
    /// tenant stay, and so does what proves that it is them.
    ///
    /// Sessions do not resume once roles, clinics or purpose are others, or it is disabled.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_account(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut Account) + Send,
    ) -> Result<Account, NotChanged> {
        self.change_checked(by, id, |account: &Account| {
            let mut changed = account.clone();
            change(&mut changed);
            let Account { display, roles, clinics, purpose, enabled, .. } = changed;
            Account { display, roles, clinics, purpose, enabled, ..account.clone() }
        })
        .await
    }

    /// Takes away what proves that somebody is this person. Their sessions do not resume, and they come back by an
    /// invitation only.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn reset_account(&self, by: &By<'_>, id: RecordId, reset: Reset) -> Result<Account, NotChanged> {
        // The next millisecond: later than every session that could begin before, in the precision that is stored.
        let over = Timestamp(self.now().0.saturating_add(1_000));
        self.change_checked(by, id, |account: &Account| {
            let account = Account { password: None, password_changed: Some(over), ..account.clone() };
            match reset {
                Reset::Password => account,
                Reset::PasswordAndFactor => {
                    Account { totp: None, recovery: Vec::new(), security_keys: Vec::new(), ..account }
                }
            }
        })
        .await
    }

    /// Takes one security key of a person away: it was lost, or is not theirs. Their sessions do not resume.
    ///
    /// # Errors
    /// [`NotChanged::UnknownEntry`] for a key that the account does not have; [`NotChanged::LastFactor`] where nothing else would
    /// be left: then password and second factor are taken away by [`Administration::reset_account`], so that a password alone does
    /// not set up another; else [`NotChanged`].
    pub async fn remove_security_key(&self, by: &By<'_>, id: RecordId, key: RecordId) -> Result<Account, NotChanged> {
        let stored = self.current::<Account>(id).await?;
        let permit = self.permit(by, Kind::Account, stored.entry.tenant, id).await?;
        // As for a reset: later than every session that could begin before.
        let over = Timestamp(self.now().0.saturating_add(1_000));
        let changed = without_key(&stored.entry, key, over)?;
        self.check(&changed).await?;
        self.replace(permit, by, &stored, &changed).await?;
        Ok(changed)
    }

    /// Changes what a person may change about their own account. Whoever calls has verified that it is them: by their
    /// password and second factor, or by an invitation. It is recorded as their act.
    ///
    /// # Errors
    /// [`NotChanged::UnknownEntry`] for somebody of another tenant, a disabled account or a security key that is not there;
    /// [`NotChanged::LastFactor`] for a security key that is all there is; [`NotChanged::Raced`] for a recovery code that is used up,
    /// a hash that is no longer the password's, or a second factor that was changed meanwhile; else [`NotChanged`].
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

    /// Changes an application: its keys, addresses, scopes, whether it is enabled. Name and tenant stay.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn change_application(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut Application) + Send,
    ) -> Result<Application, NotChanged> {
        self.change_checked(by, id, |application: &Application| {
            let Application { id, tenant, name, created, .. } = application.clone();
            let mut changed = application.clone();
            change(&mut changed);
            Application { id, tenant, name, created, ..changed }
        })
        .await
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
        let changed = self.change_checked(by, RecordId(tenant.0), |tenant: &Tenant| {
            let mut settings = tenant.settings.clone();
            change(&mut settings);
            Tenant { settings, ..tenant.clone() }
        });
        match changed.await {
            Err(NotChanged::UnknownEntry) => Err(NotChanged::UnknownTenant),
            other => other,
        }
    }

    async fn add_checked<E: Named>(&self, by: &By<'_>, entry: E) -> Result<E, NotChanged> {
        let permit = self.permit(by, E::KIND, entry.tenant(), entry.record()).await?;
        self.check(&entry).await?;
        self.add(permit, by, &entry).await?;
        Ok(entry)
    }

    async fn change_checked<E: Named>(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&E) -> E + Send,
    ) -> Result<E, NotChanged> {
        let stored = self.current::<E>(id).await?;
        let permit = self.permit(by, E::KIND, stored.entry.tenant(), id).await?;
        let changed = change(&stored.entry);
        self.check(&changed).await?;
        self.replace(permit, by, &stored, &changed).await?;
        Ok(changed)
    }

    /// Holds an entry to its own rules, and to what the directory must have for it.
    async fn check<E: Named>(&self, entry: &E) -> Result<(), NotChanged> {
        entry.validate().map_err(NotChanged::Invalid)?;
        let directory: Directory = self.load_directory().await?;
        directory.tenant(entry.tenant()).ok_or(NotChanged::UnknownTenant)?;
        known_clinics(&directory, entry.tenant(), &entry.clinics())
    }
}

/// An entry that may name clinics.
trait Named: Entry {
    fn clinics(&self) -> Vec<ClinicId>;
}

impl Named for Tenant {
    fn clinics(&self) -> Vec<ClinicId> {
        Vec::new()
    }
}

impl Named for Connection {
    fn clinics(&self) -> Vec<ClinicId> {
        self.rules.iter().flat_map(|rule| named(&rule.clinics)).collect()
    }
}

impl Named for Account {
    fn clinics(&self) -> Vec<ClinicId> {
        named(&self.clinics)
    }
}

impl Named for Application {
    fn clinics(&self) -> Vec<ClinicId> {
        match &self.r#use {
            ApplicationUse::Backend { clinics, .. } => named(clinics),
            ApplicationUse::Launch { .. } => Vec::new(),
        }
    }
}

fn named(clinics: &Clinics) -> Vec<ClinicId> {
    match clinics {
        Clinics::All => Vec::new(),
        Clinics::Some(clinics) => clinics.clone(),
    }
}

/// Applies a renewal; [`NotChanged::Raced`] when what it builds on is no longer there.
fn renewed(account: &Account, renewal: Renewal, now: Timestamp) -> Result<Account, NotChanged> {
    let account = account.clone();
    let only_if = |holds: bool| if holds { Ok(()) } else { Err(NotChanged::Raced) };
    Ok(match renewal {
        Renewal::All { password, totp, recovery } => {
            let (password, security_keys) = (Some(password), Vec::new());
            Account { password, totp, recovery, security_keys, password_changed: Some(now), ..account }
        }
        Renewal::Password(password) => Account { password: Some(password), password_changed: Some(now), ..account },
        Renewal::Rehash(before, password) => {
            only_if(account.password.as_ref() == Some(&before))?;
            Account { password: Some(password), ..account }
        }
        Renewal::SecondFactor { before, since, totp, recovery } => {
            // Of two who enrol at once, one does; and nobody enrols who proved themselves before a reset.
            only_if(account.totp == before && account.password_changed == since)?;
            Account { totp, recovery, password_changed: Some(now), ..account }
        }
        Renewal::SecurityKey { since, key, recovery } => {
            // As above; and what was to be the first second factor is none once another was enrolled.
            only_if(account.password_changed == since && account.has_second_factor() == recovery.is_none())?;
            let mut changed = account;
            changed.security_keys.push(key);
            match recovery {
                Some(recovery) => Account { recovery, password_changed: Some(now), ..changed },
                None => changed,
            }
        }
        Renewal::RemovedSecurityKey(key) => without_key(&account, key, now)?,
        Renewal::Recovery(recovery) => Account { recovery, ..account },
        Renewal::UsedRecovery(used) => {
            let other = |hash: &&String| !constant_time_eq(hash.as_bytes(), used.as_bytes());
            let left: Vec<String> = account.recovery.iter().filter(other).map(ToString::to_string).collect();
            only_if(left.len() < account.recovery.len())?;
            Account { recovery: left, ..account }
        }
    })
}

/// Takes a security key away, from a moment on; a second factor must be left.
fn without_key(account: &Account, key: RecordId, changed: Timestamp) -> Result<Account, NotChanged> {
    let mut account = account.clone();
    let before = account.security_keys.len();
    account.security_keys.retain(|known| known.id != key);
    if account.security_keys.len() == before {
        return Err(NotChanged::UnknownEntry);
    }
    if !account.has_second_factor() {
        return Err(NotChanged::LastFactor);
    }
    Ok(Account { password_changed: Some(changed), ..account })
}
