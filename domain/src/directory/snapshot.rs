//! The directory as it stands, indexed for lookups; replaced as a whole when something changes.

mod bounds;
mod people;
mod provisioned;

pub use self::bounds::{Bounded, Level, MAX_PROVISIONED_GROUPS, MAX_PROVISIONED_PEOPLE};
use self::people::People;
use self::provisioned::Known;
use super::account::Account;
use super::application::Application;
use super::client::{ApiClient, name_in_token, named_client};
use super::connection::Connection;
use super::entry::{Clinic, Tenant};
use super::interface::Interface;
use super::network::AddressRange;
use crate::access::{Clinics, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use crate::id::{RecordId, TenantId};
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};

/// Every entry at one moment, with its lookups.
#[derive(Default)]
pub struct Directory {
    tenants: BTreeMap<TenantId, Tenant>,
    clinics: Vec<Clinic>,
    interfaces: Vec<Listening>,
    clients: BTreeMap<String, ApiClient>,
    people: People,
    provisioned: Known,
    /// Set while it is not known to be what is stored.
    unconfirmed: AtomicBool,
}

/// An interface with its peer ranges read.
struct Listening {
    interface: Interface,
    peers: Vec<AddressRange>,
}

/// Why a message belongs to no interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterfaceRefusal {
    /// No enabled interface of this listener fits the sender.
    Unknown,
    /// The interface that fits the sender does not accept the peer's address.
    AddressNotAllowed,
    /// Several interfaces fit equally well; the configuration must be made clearer.
    Ambiguous,
}

impl Directory {
    /// Makes a snapshot of these entries.
    #[must_use]
    pub fn new(
        tenants: impl IntoIterator<Item = Tenant>,
        clinics: impl IntoIterator<Item = Clinic>,
        interfaces: impl IntoIterator<Item = Interface>,
        clients: impl IntoIterator<Item = ApiClient>,
    ) -> Self {
        let listening = |interface: Interface| {
            // A range that cannot be read admits nobody.
            let peers = interface.peers.iter().filter_map(|peer| peer.parse().ok()).collect();
            Listening { interface, peers }
        };
        Self {
            tenants: tenants.into_iter().map(|tenant| (tenant.id, tenant)).collect(),
            clinics: clinics.into_iter().collect(),
            interfaces: interfaces.into_iter().map(listening).collect(),
            clients: clients.into_iter().map(|client| (name_in_token(client.id), client)).collect(),
            people: People::default(),
            provisioned: Known::default(),
            unconfirmed: AtomicBool::new(false),
        }
    }

    /// Adds the ways people and applications sign in.
    #[must_use]
    pub fn with_people(
        self,
        connections: impl IntoIterator<Item = Connection>,
        accounts: impl IntoIterator<Item = Account>,
        applications: impl IntoIterator<Item = Application>,
    ) -> Self {
        Self { people: People::new(connections, accounts, applications), ..self }
    }

    /// Says whether it is what is stored, as far as its keeper knows: whoever's right might have been taken back since is to wait while it
    /// is not. What interfaces send is taken by it nevertheless: a result that is lost is worse than one too many.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        !self.unconfirmed.load(Ordering::Relaxed)
    }

    /// Writes down whether it is what is stored.
    pub fn confirm(&self, confirmed: bool) {
        self.unconfirmed.store(!confirmed, Ordering::Relaxed);
    }

    /// Returns the client whose token this is, unless it is disabled or expired.
    #[must_use]
    pub fn client_by_token(&self, presented: &str, now: Timestamp) -> Option<&ApiClient> {
        let client = self.clients.get(named_client(presented)?)?;
        client.accepts(presented, now).then_some(client)
    }

    /// Returns the interface that a message belongs to.
    ///
    /// First the sender decides: an interface that names application and facility goes before one that names the application, that
    /// before one that names the facility, that before one that names neither. Only then the address: a peer that may not use the
    /// interface of its sender does not fall through to a more general one. Among equals the narrowest range wins.
    ///
    /// # Errors
    /// [`InterfaceRefusal`].
    pub fn interface_for(
        &self,
        listener: &str,
        application: &str,
        facility: &str,
        peer: IpAddr,
    ) -> Result<&Interface, InterfaceRefusal> {
        let fits = |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        let named = |listening: &Listening| {
            let interface = &listening.interface;
            (interface.sending_application.is_some(), interface.sending_facility.is_some())
        };
        let candidates = || {
            self.interfaces.iter().filter(|listening| {
                let interface = &listening.interface;
                interface.enabled
                    && interface.listener == listener
                    && fits(&interface.sending_application, application)
                    && fits(&interface.sending_facility, facility)
            })
        };
        let nearest = candidates().map(named).max().ok_or(InterfaceRefusal::Unknown)?;
        let narrowness = |listening: &Listening| {
            listening.peers.iter().filter(|range| range.contains(peer)).map(AddressRange::prefix).max()
        };
        let mut best: Option<(u8, &Interface)> = None;
        let mut tied = false;
        for listening in candidates().filter(|listening| named(listening) == nearest) {
            let Some(prefix) = narrowness(listening) else { continue };
            match best {
                Some((known, _)) if known > prefix => {}
                Some((known, _)) if known == prefix => tied = true,
                _ => (best, tied) = (Some((prefix, &listening.interface)), false),
            }
        }
        match best {
            None => Err(InterfaceRefusal::AddressNotAllowed),
            Some(_) if tied => Err(InterfaceRefusal::Ambiguous),
            Some((_, interface)) => Ok(interface),
        }
    }

    /// Says whether any enabled interface of this listener accepts the address: worth a connection at all.
    #[must_use]
    pub fn accepts_peer(&self, listener: &str, peer: IpAddr) -> bool {
        self.interfaces.iter().any(|listening| {
            listening.interface.enabled
                && listening.interface.listener == listener
                && listening.peers.iter().any(|range| range.contains(peer))
        })
    }

    /// Returns a tenant.
    #[must_use]
    pub fn tenant(&self, id: TenantId) -> Option<&Tenant> {
        self.tenants.get(&id)
    }

    /// Returns the tenant of this name, matched exactly.
    #[must_use]
    pub fn tenant_by_name(&self, name: &str) -> Option<&Tenant> {
        self.tenants.values().find(|tenant| tenant.name == name)
    }

    /// Returns every tenant, by id.
    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.values()
    }

    /// Returns every clinic.
    pub fn clinics(&self) -> impl Iterator<Item = &Clinic> {
        self.clinics.iter()
    }

    /// Returns every interface.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().map(|listening| &listening.interface)
    }

    /// Returns the interface of this id.
    #[must_use]
    pub fn interface(&self, id: RecordId) -> Option<&Interface> {
        self.interfaces().find(|interface| interface.id == id)
    }

    /// Returns every API client.
    pub fn clients(&self) -> impl Iterator<Item = &ApiClient> {
        self.clients.values()
    }
}

/// Admits an API client that showed its token.
#[must_use]
pub fn subject_for_client(client: &ApiClient) -> Subject {
    Subject {
        principal: Principal { id: client.id.to_string(), display: client.name.clone(), kind: PrincipalKind::System },
        tenant: client.tenant,
        roles: client.roles.within(&client.clinics),
        clinics: client.clinics.clone(),
        purpose: client.purpose,
        scopes: Scopes::Unrestricted,
        compartment: None,
    }
}

/// Admits the partner behind an interface.
#[must_use]
pub fn subject_for_interface(interface: &Interface) -> Subject {
    Subject {
        principal: Principal {
            id: interface.id.to_string(),
            display: interface.name.clone(),
            kind: PrincipalKind::System,
        },
        tenant: interface.tenant,
        roles: Roles::of(&[Role::IntegrationEngine]),
        clinics: interface.clinic.map_or(Clinics::All, |clinic| Clinics::Some(alloc::vec![clinic])),
        purpose: Purpose::Treatment,
        scopes: Scopes::Unrestricted,
        compartment: None,
    }
}

#[cfg(test)]
mod tests;
