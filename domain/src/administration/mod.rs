//! Administering the directory and the tenants' keys.
//!
//! Every change takes one way: decide, validate, seal the entry in the system tenant, claim its name, draft it for the system
//! chain and for the chain of the tenant it is about, and hand all of that to the ledger as one write set. The permit to
//! administer is spent by that write. A refusal by the policy is recorded like a change.

mod change;
mod entries;
mod people;
mod provisioning;
mod rotation;

pub use change::{Administered, UnknownToken};
pub use people::{NewAccount, Renewal, Reset};
pub use provisioning::{ChangeFault, Changed, Stored, Wanted};
pub use rotation::{REWRAP_PAGE, Rotation};

use crate::access::{self, Administer, Clinics, Permit, Purpose, Resource, Roles, authorise};
use crate::audit::{Break, NotRead};
use crate::directory::{ApiClient, BearerToken, Clinic, Directory, Entry, Interface, Invalid, Tenant, TenantSettings};
use crate::id::{ClinicId, RecordId, TenantId};
use crate::index::{Field, normalise};
use crate::journal::Actor;
use crate::kind::Kind;
use crate::ports::{
    Clock, Entropy, KeyFault, KeyVault, Ledger, NotRecorded, Store, TenantKeyMaker, Unavailable, Witness,
};
use crate::time::Timestamp;
use crate::write::ConflictReason;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

/// Changes and loads the directory, and begins new generations of tenants' keys.
pub struct Administration {
    /// Reads what is stored, and keeps wrapped keys.
    pub store: Arc<dyn Store>,
    /// Makes changes durable and chained.
    pub ledger: Arc<dyn Ledger>,
    /// Gives the keys of the directory.
    pub vault: Arc<dyn KeyVault>,
    /// Says which entries the directory must have.
    pub witness: Arc<dyn Witness>,
    /// Makes tenants' keys.
    pub maker: Arc<dyn TenantKeyMaker>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Who administers, and under which circumstances.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// The admitted subject, where it sits, and what ties its entries together.
    pub actor: Actor<'a>,
    /// The circumstances the policy looks at.
    pub context: access::Context,
}

/// An API client to be added.
pub struct NewClient {
    /// The tenant it is admitted to.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Roles,
    /// The clinics its roles reach.
    pub clinics: Clinics,
    /// What it reads for.
    pub purpose: Purpose,
    /// The moment from which its token is refused.
    pub expires: Option<Timestamp>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotChanged {
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// The entry breaks a rule.
    Invalid(Invalid),
    /// There is an entry of this kind and name.
    NameTaken,
    /// Another interface is named by the same listener, sender and peer range.
    RouteTaken,
    /// There is no such tenant.
    UnknownTenant,
    /// There is no such clinic in the tenant.
    UnknownClinic,
    /// There is no such entry.
    UnknownEntry,
    /// Somebody that the entry refers to is not there.
    UnknownMember,
    /// It is the only second factor of an account.
    LastFactor,
    /// Somebody else changed it at the same moment; look again.
    Raced,
    /// A stored entry or key does not open.
    Integrity,
    /// The system chain is broken, or the directory is not what it says.
    Broken(Break),
    /// The database, the ledger or the keys do not answer.
    Unavailable,
}

impl Administration {
    /// Gives the system its first key, without which nothing can be added. Returns `false` when it has one already.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn prepare_system(&self) -> Result<bool, Unavailable> {
        let key = self.maker.make_tenant_key(TenantId::SYSTEM, 1)?;
        self.store.add_tenant_key(key).await
    }

    /// Adds a tenant and makes the first generation of its key.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_tenant(&self, by: &By<'_>, name: &str) -> Result<Tenant, NotChanged> {
        let created = self.now();
        let tenant = Tenant {
            id: TenantId::from_time(created, self.random()?),
            name: name.to_string(),
            settings: TenantSettings::default(),
            created,
        };
        let permit = self.permit(by, Kind::Tenant, tenant.id, tenant.record()).await?;
        tenant.validate().map_err(NotChanged::Invalid)?;
        if self.load_directory().await?.tenants().any(|known| same_name(known.name(), name)) {
            return Err(NotChanged::NameTaken);
        }
        // The key goes first: a key without a tenant harms nobody, a tenant without a key could store nothing.
        let key = self.maker.make_tenant_key(tenant.id, 1)?;
        self.store.add_tenant_key(key).await?;
        self.add(permit, by, &tenant).await?;
        Ok(tenant)
    }

    /// Adds a clinic to a tenant.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_clinic(&self, by: &By<'_>, tenant: TenantId, name: &str) -> Result<Clinic, NotChanged> {
        let created = self.now();
        let id = ClinicId::from_time(created, self.random()?);
        let clinic = Clinic { id, tenant, name: name.to_string(), created };
        let permit = self.permit(by, Kind::Clinic, tenant, clinic.record()).await?;
        clinic.validate().map_err(NotChanged::Invalid)?;
        self.load_directory().await?.tenant(tenant).ok_or(NotChanged::UnknownTenant)?;
        self.add(permit, by, &clinic).await?;
        Ok(clinic)
    }

    /// Adds an interface; its id and moment of creation are given here, whatever they were.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_interface(&self, by: &By<'_>, interface: Interface) -> Result<Interface, NotChanged> {
        let created = self.now();
        let interface = Interface { id: RecordId::from_time(created, self.random()?), created, ..interface };
        let permit = self.permit(by, Kind::Interface, interface.tenant, interface.id).await?;
        interface.validate().map_err(NotChanged::Invalid)?;
        let directory = self.load_directory().await?;
        directory.tenant(interface.tenant).ok_or(NotChanged::UnknownTenant)?;
        known_clinics(&directory, interface.tenant, interface.clinic.as_slice())?;
        if directory.interfaces().any(|other| other.competes_with(&interface)) {
            return Err(NotChanged::RouteTaken);
        }
        self.add(permit, by, &interface).await?;
        Ok(interface)
    }

    /// Adds an API client. The token is returned this once; only its hash is stored.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn add_client(&self, by: &By<'_>, new: NewClient) -> Result<(ApiClient, BearerToken), NotChanged> {
        let created = self.now();
        let id = RecordId::from_time(created, self.random()?);
        let token = BearerToken::generate(id, self.entropy.as_ref())?;
        let client = ApiClient {
            id,
            tenant: new.tenant,
            name: new.name,
            roles: new.roles,
            clinics: new.clinics,
            purpose: new.purpose,
            token_hash: token.hash(),
            expires: new.expires,
            enabled: true,
            created,
        };
        let resource = Resource::record(client.tenant, Kind::ApiClient).giving(client.roles);
        let permit = self.permit_of(by, resource, client.id).await?;
        client.validate().map_err(NotChanged::Invalid)?;
        let directory = self.load_directory().await?;
        directory.tenant(client.tenant).ok_or(NotChanged::UnknownTenant)?;
        if let Clinics::Some(clinics) = &client.clinics {
            known_clinics(&directory, client.tenant, clinics)?;
        }
        self.add(permit, by, &client).await?;
        Ok((client, token))
    }

    /// Disables an API client: its token is refused from the next loading of the directory on.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn disable_client(&self, by: &By<'_>, id: RecordId) -> Result<ApiClient, NotChanged> {
        let stored = self.current::<ApiClient>(id).await?;
        let resource = Resource::record(stored.entry.tenant, Kind::ApiClient).giving(stored.entry.roles);
        let permit = self.permit_of(by, resource, id).await?;
        let changed = ApiClient { enabled: false, ..stored.entry.clone() };
        self.replace(permit, by, &stored, &changed).await?;
        Ok(changed)
    }

    /// Disables an interface: its messages are refused from the next loading of the directory on.
    ///
    /// # Errors
    /// [`NotChanged`].
    pub async fn disable_interface(&self, by: &By<'_>, id: RecordId) -> Result<Interface, NotChanged> {
        let stored = self.current::<Interface>(id).await?;
        let permit = self.permit(by, Kind::Interface, stored.entry.tenant, id).await?;
        let changed = Interface { enabled: false, ..stored.entry.clone() };
        self.replace(permit, by, &stored, &changed).await?;
        Ok(changed)
    }

    /// Decides whether the subject may change an entry about this tenant; a denial is recorded.
    async fn permit(
        &self,
        by: &By<'_>,
        kind: Kind,
        about: TenantId,
        id: RecordId,
    ) -> Result<Permit<Administer>, NotChanged> {
        self.permit_of(by, Resource::record(about, kind), id).await
    }

    /// Does the same where it matters who gets which roles, or whose account it is.
    async fn permit_of(&self, by: &By<'_>, about: Resource, id: RecordId) -> Result<Permit<Administer>, NotChanged> {
        // The operator of the system changes what the system keeps; anybody else only what is about the own tenant.
        let subject = by.actor.subject;
        let tenant = if subject.tenant == TenantId::SYSTEM { TenantId::SYSTEM } else { about.tenant };
        match authorise::<Administer>(subject, &Resource { tenant, ..about }, &by.context) {
            Ok(permit) => Ok(permit),
            Err(denial) => {
                let kind = about.kind.unwrap_or(Kind::Tenant);
                self.note_denial(by, kind, &id.to_string(), &denial).await?;
                Err(NotChanged::Denied)
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now().to_millisecond()
    }

    fn random(&self) -> Result<[u8; 10], Unavailable> {
        let mut bytes = [0; 10];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// Compares names as the claim that keeps them apart does.
fn same_name(one: &str, other: &str) -> bool {
    normalise(Field::Label, one) == normalise(Field::Label, other)
}

fn known_clinics(directory: &Directory, tenant: TenantId, clinics: &[ClinicId]) -> Result<(), NotChanged> {
    let known = |id: &ClinicId| directory.clinics().any(|clinic| clinic.id == *id && clinic.tenant == tenant);
    if clinics.iter().all(known) { Ok(()) } else { Err(NotChanged::UnknownClinic) }
}

impl fmt::Display for NotChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotChanged::Denied => "not permitted",
            NotChanged::Invalid(invalid) => return invalid.fmt(f),
            NotChanged::NameTaken => "the name is taken",
            NotChanged::RouteTaken => "another interface has the same listener, sender and peer range",
            NotChanged::UnknownTenant => "there is no such tenant",
            NotChanged::UnknownClinic => "there is no such clinic in this tenant",
            NotChanged::UnknownEntry => "there is no such entry",
            NotChanged::UnknownMember => "somebody that it refers to is not there",
            NotChanged::LastFactor => "it is the only second factor of the account",
            NotChanged::Raced => "somebody else changed it at the same moment",
            NotChanged::Integrity => "a stored entry or key does not open",
            NotChanged::Broken(broken) => return broken.fmt(f),
            NotChanged::Unavailable => "the database, the ledger or the keys do not answer",
        })
    }
}

impl core::error::Error for NotChanged {}

impl From<Unavailable> for NotChanged {
    fn from(Unavailable: Unavailable) -> Self {
        NotChanged::Unavailable
    }
}

impl From<NotRead> for NotChanged {
    fn from(fault: NotRead) -> Self {
        match fault {
            NotRead::Broken(broken) => NotChanged::Broken(broken),
            NotRead::Unavailable => NotChanged::Unavailable,
        }
    }
}

impl From<KeyFault> for NotChanged {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Broken => NotChanged::Integrity,
            KeyFault::Unavailable => NotChanged::Unavailable,
        }
    }
}

impl From<NotRecorded> for NotChanged {
    fn from(fault: NotRecorded) -> Self {
        match fault {
            NotRecorded::Conflict(ConflictReason::Claimed) => NotChanged::NameTaken,
            NotRecorded::Conflict(ConflictReason::Version) => NotChanged::Raced,
            NotRecorded::Busy | NotRecorded::Unavailable => NotChanged::Unavailable,
        }
    }
}
