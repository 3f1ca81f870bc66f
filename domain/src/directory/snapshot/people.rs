//! Lookups of connections, accounts and applications, and whether a session may go on.

use super::Directory;
use crate::directory::network::AddressRange;
use crate::directory::{Account, Application, Connection, LOCAL_ISSUER, TenantSettings};
use crate::id::{RecordId, TenantId};
use crate::identity::{Rule, Session, SessionLimits};
use crate::index::{Field, normalise};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use core::net::IpAddr;

/// The ways people and applications sign in.
#[derive(Default)]
pub(super) struct People {
    connections: BTreeMap<RecordId, Connection>,
    accounts: BTreeMap<RecordId, Account>,
    accounts_by_name: BTreeMap<(TenantId, String), RecordId>,
    applications: BTreeMap<RecordId, Application>,
    /// The origins of the pages of enabled applications, and whose they are.
    origins: BTreeMap<String, BTreeSet<TenantId>>,
}

impl People {
    pub(super) fn new(
        connections: impl IntoIterator<Item = Connection>,
        accounts: impl IntoIterator<Item = Account>,
        applications: impl IntoIterator<Item = Application>,
    ) -> Self {
        let accounts: BTreeMap<_, _> = accounts.into_iter().map(|account| (account.id, account)).collect();
        let named = |account: &Account| ((account.tenant, normalise(Field::Label, &account.name)), account.id);
        let applications: BTreeMap<_, _> =
            applications.into_iter().map(|application| (application.id, application)).collect();
        let mut origins: BTreeMap<String, BTreeSet<TenantId>> = BTreeMap::new();
        for application in applications.values().filter(|application| application.enabled) {
            for origin in application.origins() {
                origins.entry(origin).or_default().insert(application.tenant);
            }
        }
        Self {
            connections: connections.into_iter().map(|connection| (connection.id, connection)).collect(),
            accounts_by_name: accounts.values().map(named).collect(),
            accounts,
            applications,
            origins,
        }
    }
}

impl Directory {
    /// Returns the connection of this id, enabled or not.
    #[must_use]
    pub fn connection(&self, id: RecordId) -> Option<&Connection> {
        self.people.connections.get(&id)
    }

    /// Returns every connection, enabled or not.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.people.connections.values()
    }

    /// Returns the connections of a tenant, enabled or not.
    pub fn connections_of(&self, tenant: TenantId) -> impl Iterator<Item = &Connection> {
        self.connections().filter(move |connection| connection.tenant == tenant)
    }

    /// Returns the account of this id, enabled or not.
    #[must_use]
    pub fn account(&self, id: RecordId) -> Option<&Account> {
        self.people.accounts.get(&id)
    }

    /// Returns the account of this sign-in name, enabled or not; names are compared as the claim that keeps them apart does.
    #[must_use]
    pub fn account_by_name(&self, tenant: TenantId, name: &str) -> Option<&Account> {
        let id = self.people.accounts_by_name.get(&(tenant, normalise(Field::Label, name)))?;
        self.account(*id)
    }

    /// Returns every account, enabled or not.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.people.accounts.values()
    }

    /// Returns the application of this id, enabled or not.
    #[must_use]
    pub fn application(&self, id: RecordId) -> Option<&Application> {
        self.people.applications.get(&id)
    }

    /// Returns the application of this `client_id`, which is the text of its id, enabled or not.
    #[must_use]
    pub fn application_by_client_id(&self, client_id: &str) -> Option<&Application> {
        self.application(client_id.parse().ok()?)
    }

    /// Returns every application, enabled or not.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.people.applications.values()
    }

    /// Says whether an enabled application of this tenant has pages of this origin; without a tenant, one of any.
    #[must_use]
    pub fn origin_registered(&self, origin: &str, tenant: Option<TenantId>) -> bool {
        let owners = self.people.origins.get(origin);
        owners.is_some_and(|owners| tenant.is_none_or(|tenant| owners.contains(&tenant)))
    }

    /// Returns what a tenant decided about the people who sign in.
    #[must_use]
    pub fn settings(&self, tenant: TenantId) -> Option<&TenantSettings> {
        self.tenant(tenant).map(|tenant| &tenant.settings)
    }

    /// Returns how long sessions of a tenant last, and how many one person may hold.
    #[must_use]
    pub fn session_limits(&self, tenant: TenantId) -> SessionLimits {
        self.settings(tenant).map_or_else(SessionLimits::default, |settings| settings.sessions)
    }

    /// Says whether people and applications of a tenant may come from this address.
    ///
    /// A range that cannot be read lets nobody in; an unknown tenant has no address. The console of the machine is never
    /// asked, see [`Context::console`](crate::access::Context::console): whoever shuts everybody out opens again from there.
    #[must_use]
    pub fn address_allowed(&self, tenant: TenantId, address: IpAddr) -> bool {
        let within = |range: &String| range.parse::<AddressRange>().is_ok_and(|range| range.contains(address));
        self.settings(tenant)
            .is_some_and(|settings| settings.addresses.is_empty() || settings.addresses.iter().any(within))
    }

    /// Says whether a session may go on: whoever vouched for it is still enabled, and still says the same, and so it was ever since. What was
    /// ended so does not come back when that is undone, see [`Since`](crate::identity::Since).
    ///
    /// Of a session by a connection, the connection must be enabled and vouch as it did, for the same issuer, and one of its rules must still
    /// give what the session has, its provider must not have taken the person back, and where the admission rests on a group that the provider
    /// told ahead of, the person must still be in it. Of one by an account, see [`Account::still_admits`]. Time limits are judged by the
    /// session itself.
    #[must_use]
    pub fn still_admits(&self, session: &Session) -> bool {
        if !self.settings(session.tenant).is_some_and(|settings| settings.factor_suffices(session)) {
            return false;
        }
        if session.connection == Account::connection(session.tenant) {
            return session.issuer == LOCAL_ISSUER
                && session
                    .subject
                    .parse()
                    .ok()
                    .and_then(|id| self.account(id))
                    .is_some_and(|account| account.still_admits(session));
        }
        let gives = |rule: &Rule| {
            let roles = rule.roles.within(&rule.clinics);
            (roles, &rule.clinics, rule.purpose) == (session.roles, &session.clinics, session.purpose)
        };
        self.connection(session.connection).is_some_and(|connection| {
            connection.enabled
                && connection.tenant == session.tenant
                && connection.issuer() == session.issuer
                && !session.is_before(connection.ended, session.since.way)
                && connection.rules.iter().any(gives)
                && self.provisioning_admits(connection, session)
        })
    }
}

#[cfg(test)]
mod tests;
