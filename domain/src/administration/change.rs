//! One way to add, look at and change what is administered one by one: tenants' settings, connections, accounts, applications.
//!
//! ```text
//!   change at a version ─► decide ─► at that version? ─► apply ─► decide on what it became ─► rules of the entry ─► write
//! ```
//! It is decided twice, for a change may let somebody have roles that they had not: whoever administers must be one who may let
//! people have those they had and those they get, see [`Resource::gives`].

use super::{Administration, By, ChangeFault, Changed, NotChanged, Stored, known_clinics};
use crate::access::{Administer, Clinics, Factor, Permit, Resource, Roles, authorise};
use crate::directory::{
    Account, Application, ApplicationUse, BearerToken, Connection, Directory, Entry, Invalid, OidcSettings,
    ProvisioningToken, Tenant, reach,
};
use crate::id::{ClinicId, RecordId, TenantId};
use crate::identity::moved;
use crate::time::Timestamp;
use crate::write::Version;
use alloc::vec::Vec;
use core::convert::Infallible;

/// An entry that is administered one by one.
pub trait Administered: Entry + Clone {
    /// Returns the roles that somebody has or gets by it, and the clinics in which.
    fn grants(&self) -> Vec<(Roles, &Clinics)>;
    /// Returns what an administrator may make of it: `changed`, but for what stays.
    #[must_use]
    fn keeping(&self, changed: Self) -> Self;
    /// Holds what it sets anew to rules that came later than entries: what was before there was such a rule can be kept, and disabled.
    ///
    /// # Errors
    /// [`Invalid`].
    fn hold(&self, _before: Option<&Self>) -> Result<(), Invalid> {
        Ok(())
    }
    /// Returns the same as what follows on `before` now: with what is over by the change marked as over for good.
    #[must_use]
    fn following(self, before: &Self, now: Timestamp) -> Self;
    /// Returns the account that it is.
    fn as_account(&self) -> Option<&Account> {
        None
    }
}

/// There is no token of this mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownToken;

impl Administration {
    /// Records that entries of a kind are looked at, in the tenant of whoever looks.
    ///
    /// # Errors
    /// [`NotChanged::Denied`], [`NotChanged::Unavailable`].
    pub async fn look<E: Entry>(&self, by: &By<'_>) -> Result<(), NotChanged> {
        self.note_reading::<E>(by, by.actor.subject.tenant, "").await
    }

    /// Returns an entry of the tenant of whoever looks, as it is stored; that it was looked at is recorded before.
    ///
    /// # Errors
    /// [`NotChanged::UnknownEntry`] also for another tenant's; [`NotChanged::Denied`], [`NotChanged::Integrity`],
    /// [`NotChanged::Unavailable`].
    pub async fn look_at<E: Administered>(&self, by: &By<'_>, id: RecordId) -> Result<Stored<E>, NotChanged> {
        let tenant = by.actor.subject.tenant;
        self.note_reading::<E>(by, tenant, &alloc::format!("{id}")).await?;
        let current = self.current::<E>(id).await?;
        if current.entry.tenant() != tenant {
            return Err(NotChanged::UnknownEntry);
        }
        Ok(Stored { entry: current.entry, version: current.version, last_updated: current.last_updated })
    }

    /// Decides whether somebody may add entries of a kind to their tenant at all, before what they send is looked at; which roles the
    /// entry gives is decided once that is known.
    ///
    /// # Errors
    /// [`NotChanged::Denied`], [`NotChanged::Unavailable`].
    pub async fn may_add<E: Administered>(&self, by: &By<'_>) -> Result<(), NotChanged> {
        let resource = Resource::record(by.actor.subject.tenant, E::KIND);
        match authorise::<Administer>(by.actor.subject, &resource, &by.context) {
            Ok(_) => Ok(()),
            Err(denial) => {
                self.note_denial(by, E::KIND, "", &denial).await?;
                Err(NotChanged::Denied)
            }
        }
    }

    /// Changes an entry, at the expected version where one is given. What stays of it, stays whatever `change` does.
    ///
    /// # Errors
    /// [`ChangeFault`]; [`NotChanged::UnknownEntry`] also for another tenant's.
    pub async fn change<E: Administered, F>(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
        change: impl FnOnce(&mut E) -> Result<(), F>,
    ) -> Result<Changed<E>, ChangeFault<F>> {
        self.apply(by, id, expected, |entry: &E| {
            let mut changed = entry.clone();
            change(&mut changed)?;
            Ok(entry.keeping(changed))
        })
        .await
    }

    /// Gives the service of a connection's provider a token to tell of people by. It is returned this once; only its hash is
    /// stored.
    ///
    /// # Errors
    /// [`ChangeFault`].
    pub async fn add_provisioning_token(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
    ) -> Result<(Stored<Connection>, BearerToken), ChangeFault<Infallible>> {
        let mut drawn = None;
        let now = self.now();
        let changed = self.change(by, id, expected, |connection: &mut Connection| {
            let token = connection.draw_provisioning_token(self.entropy.as_ref())?;
            connection.provisioning.tokens.push(ProvisioningToken::of(&token, now));
            drawn = Some(token);
            Ok(())
        });
        let changed = changed.await.map_err(|fault: ChangeFault<NotChanged>| match fault {
            ChangeFault::Refused(fault) | ChangeFault::NotChanged(fault) => ChangeFault::NotChanged(fault),
            ChangeFault::OtherVersion => ChangeFault::OtherVersion,
        })?;
        let token = drawn.ok_or(ChangeFault::NotChanged(NotChanged::Unavailable))?;
        Ok((changed.after, token))
    }

    /// Takes back a token of a connection's provider, named by its mark.
    ///
    /// # Errors
    /// [`ChangeFault`].
    pub async fn revoke_provisioning_token(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
        mark: &str,
    ) -> Result<Stored<Connection>, ChangeFault<UnknownToken>> {
        let changed = self.change(by, id, expected, |connection: &mut Connection| {
            let tokens = &mut connection.provisioning.tokens;
            let before = tokens.len();
            tokens.retain(|token| token.mark() != mark);
            if tokens.len() < before { Ok(()) } else { Err(UnknownToken) }
        });
        Ok(changed.await?.after)
    }

    pub(super) async fn add_checked<E: Administered>(&self, by: &By<'_>, entry: E) -> Result<E, NotChanged> {
        let permit = self.permit_to_make(by, None, &entry).await?;
        self.check(None, &entry).await?;
        self.add(permit, by, &entry).await?;
        Ok(entry)
    }

    /// Changes an entry whatever its version is by now.
    pub(super) async fn change_now<E: Administered>(
        &self,
        by: &By<'_>,
        id: RecordId,
        change: impl FnOnce(&mut E) + Send,
    ) -> Result<E, NotChanged> {
        let changed = self.change(by, id, None, |entry: &mut E| {
            change(entry);
            Ok(())
        });
        changed.await.map(|changed| changed.after.entry).map_err(now_or_never)
    }

    pub(super) async fn apply<E: Administered, F>(
        &self,
        by: &By<'_>,
        id: RecordId,
        expected: Option<Version>,
        change: impl FnOnce(&E) -> Result<E, F>,
    ) -> Result<Changed<E>, ChangeFault<F>> {
        let stored = self.current::<E>(id).await?;
        let before = &stored.entry;
        // Whoever may not is not told the version, nor what is wrong with what was sent.
        let _ = self.permit_to_make(by, Some(before), before).await?;
        if expected.is_some_and(|expected| expected != stored.version) {
            return Err(ChangeFault::OtherVersion);
        }
        let after = change(before).map_err(ChangeFault::Refused)?.following(before, self.now());
        let permit = self.permit_to_make(by, Some(before), &after).await?;
        self.check(Some(before), &after).await?;
        let (version, last_updated) = self.replace(permit, by, &stored, &after).await?;
        Ok(Changed { before: stored.entry, after: Stored { entry: after, version, last_updated } })
    }

    /// Decides whether somebody may make an entry of what it was, if it was; a denial is recorded.
    async fn permit_to_make<E: Administered>(
        &self,
        by: &By<'_>,
        before: Option<&E>,
        after: &E,
    ) -> Result<Permit<Administer>, NotChanged> {
        let grants = before.map(Administered::grants).into_iter().flatten().chain(after.grants());
        let gives = grants.fold(Roles::NONE, |gives, (roles, _)| gives.joined(roles));
        let person = after.as_account().map(|account| self.person_of(account));
        let resource = Resource::record(after.tenant(), E::KIND).giving(gives).of_person(person);
        let permit = self.permit_of(by, resource, after.record()).await;
        let subject = by.actor.subject;
        let foreign = subject.tenant != TenantId::SYSTEM && subject.tenant != after.tenant();
        match permit {
            // What is another tenant's is not there.
            Err(NotChanged::Denied) if foreign && before.is_some() => Err(NotChanged::UnknownEntry),
            permit => permit,
        }
    }

    /// Returns the person whose account it is, as sessions and entries name them.
    #[must_use]
    pub fn person_of(&self, account: &Account) -> RecordId {
        let assertion = account.to_assertion(Factor::NotApplicable, account.created);
        assertion.person(&self.vault.secrets(account.tenant).naming)
    }

    /// Holds an entry to its own rules, and to what the directory must have for it.
    ///
    /// Roles are held to their clinics where somebody gets them, and nowhere else: what was given before there was such a rule can be
    /// disabled, and its person goes on to change their password. It is admitted as what it may be, see [`Roles::within`].
    async fn check<E: Administered>(&self, before: Option<&E>, entry: &E) -> Result<(), NotChanged> {
        entry.validate().and_then(|()| entry.hold(before)).map_err(NotChanged::Invalid)?;
        let grants = entry.grants();
        if before.is_none_or(|before| before.grants() != grants) {
            let held = grants.iter().try_for_each(|(roles, clinics)| reach(*roles, clinics));
            held.map_err(NotChanged::Invalid)?;
        }
        let directory: Directory = self.load_directory().await?;
        directory.tenant(entry.tenant()).ok_or(NotChanged::UnknownTenant)?;
        let clinics: Vec<ClinicId> = grants.iter().flat_map(|(_, clinics)| named(clinics)).copied().collect();
        known_clinics(&directory, entry.tenant(), &clinics)
    }
}

/// Returns why nothing was changed where neither a version was expected nor the change could refuse.
pub(super) fn now_or_never(fault: ChangeFault<Infallible>) -> NotChanged {
    match fault {
        ChangeFault::NotChanged(fault) => fault,
        ChangeFault::OtherVersion => NotChanged::Raced,
        ChangeFault::Refused(never) => match never {},
    }
}

impl Administered for Tenant {
    fn grants(&self) -> Vec<(Roles, &Clinics)> {
        Vec::new()
    }

    fn keeping(&self, changed: Self) -> Self {
        Tenant { settings: changed.settings, ..self.clone() }
    }

    fn following(self, before: &Self, now: Timestamp) -> Self {
        Tenant { settings: self.settings.following(&before.settings, now), ..self }
    }
}

impl Administered for Connection {
    fn grants(&self) -> Vec<(Roles, &Clinics)> {
        self.rules.iter().map(|rule| (rule.roles, &rule.clinics)).collect()
    }

    fn keeping(&self, changed: Self) -> Self {
        let Connection { id, tenant, name, created, ended, .. } = self.clone();
        Connection { id, tenant, name, created, ended, ..changed }
    }

    fn following(self, before: &Self, now: Timestamp) -> Self {
        Connection::following(self, before, now)
    }

    fn hold(&self, before: Option<&Self>) -> Result<(), Invalid> {
        let Some(settings) = self.oidc() else { return Ok(()) };
        let claim = |settings: &OidcSettings| (settings.subject_claim.clone(), settings.subject_claim_vouched);
        match before.and_then(Connection::oidc) {
            Some(before) if claim(before) == claim(settings) => Ok(()),
            _ => settings.names_for_good(),
        }
    }
}

impl Administered for Account {
    fn grants(&self) -> Vec<(Roles, &Clinics)> {
        alloc::vec![(self.roles, &self.clinics)]
    }

    fn keeping(&self, changed: Self) -> Self {
        let Account { display, roles, clinics, purpose, enabled, .. } = changed;
        Account { display, roles, clinics, purpose, enabled, ..self.clone() }
    }

    fn following(self, before: &Self, now: Timestamp) -> Self {
        Account::following(self, before, now)
    }

    fn as_account(&self) -> Option<&Account> {
        Some(self)
    }
}

impl Administered for Application {
    fn grants(&self) -> Vec<(Roles, &Clinics)> {
        match &self.r#use {
            ApplicationUse::Backend { roles, clinics, .. } => alloc::vec![(*roles, clinics)],
            ApplicationUse::Launch { .. } => Vec::new(),
        }
    }

    fn keeping(&self, changed: Self) -> Self {
        let Application { id, tenant, name, created, ended, .. } = self.clone();
        Application { id, tenant, name, created, ended, ..changed }
    }

    fn following(self, before: &Self, now: Timestamp) -> Self {
        let same = self.enabled == before.enabled;
        let ended = if same { self.ended } else { Some(moved(before.ended.unwrap_or(before.created), now)) };
        Application { ended, ..self }
    }
}

fn named(clinics: &Clinics) -> &[ClinicId] {
    match clinics {
        Clinics::All => &[],
        Clinics::Some(clinics) => clinics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{self, Purpose, Role, Subject};
    use crate::directory::Invalid;
    use crate::double::{Installation, run};
    use crate::id::CorrelationId;
    use crate::journal::Actor;
    use alloc::vec;

    #[test]
    fn what_was_given_before_there_was_a_rule_can_be_disabled_but_not_given_anew() {
        let administration = Installation::new(3).unwrap().administration();
        run(administration.prepare_system()).unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: access::Context::console(Timestamp(0)) };
        let tenant = run(administration.add_tenant(&by, "Hospital")).unwrap().id;
        let clinic = run(administration.add_clinic(&by, tenant, "West")).unwrap().id;
        let before = Account {
            id: RecordId([1; 16]),
            tenant,
            name: "ada".into(),
            display: "Ada".into(),
            roles: Roles::of(&[Role::Admin]),
            clinics: Clinics::Some(vec![clinic]),
            purpose: Purpose::Treatment,
            password: None,
            totp: None,
            recovery: Vec::new(),
            security_keys: Vec::new(),
            enabled: true,
            created: Timestamp(0),
            password_changed: None,
            ended: None,
        };
        let split = Err(NotChanged::Invalid(Invalid::AdminOfClinics));
        assert_eq!(run(administration.check(None, &before)), split);
        let disabled = Account { enabled: false, ..before.clone() };
        assert_eq!(run(administration.check(Some(&before), &disabled)), Ok(()));
        let more = Account { roles: Roles::of(&[Role::Admin, Role::Staff]), ..before.clone() };
        assert_eq!(run(administration.check(Some(&before), &more)), split);
        let mended = Account { clinics: Clinics::All, ..before.clone() };
        assert_eq!(run(administration.check(Some(&before), &mended)), Ok(()));
    }
}
