//! Whether a tenant lets people come from where they are. It is asked as soon as it is known whose page it is: before a body is read,
//! before passwords, codes and answers of providers are looked at, and before anything is written. So whatever somebody would have
//! shown, the answer is one and the same.

use crate::begun;
use crate::federation::connection;
use crate::local;
use crate::problem::Problem;
use crate::route::{Door, Page};
use crate::signing_in::tenant;
use crate::visit::Visit;
use domain::access::Address;
use domain::directory::Connection;
use domain::id::TenantId;

/// Refuses whoever comes to a page of a tenant that lets nobody come from there.
pub(crate) async fn check(visit: &Visit<'_>) -> Result<(), Problem> {
    if visit.row.door == Door::SignedIn {
        // Whoever may not come from here sees nothing of the session, and can still end it.
        if visit.row.page != Page::SignOut && visit.comes_from_elsewhere() {
            return Err(visit.refuse(visit.chain(), REASON, Problem::Denied).await);
        }
        return Ok(());
    }
    let by_path = || connection(visit).ok();
    let (tenant, by) = match visit.row.page {
        Page::SignIn
        | Page::Password
        | Page::Code
        | Page::Key
        | Page::Recovery
        | Page::Enrol
        | Page::EnrolKey
        | Page::Start => (tenant(visit).ok().map(|tenant| tenant.id), by_path()),
        Page::OidcOwnCallback | Page::SamlAcs => (by_path().map(|by| by.tenant), by_path()),
        Page::OidcCallback => {
            let away = begun::open(visit, visit.query.text("state"));
            let by = away.and_then(|away| visit.directory.connection(away.value.connection));
            (by.map(|by| by.tenant), by)
        }
        Page::Invitation => (local::invited_by(visit).await?, None),
        // They belong to no tenant, disclose nothing, end sessions, or say themselves whose they are once they were read.
        Page::Home
        | Page::Asset
        | Page::Discover
        | Page::OidcKeys
        | Page::OidcBackchannel
        | Page::SamlMetadata
        | Page::SamlLogout
        | Page::SignedOut
        | Page::Ending
        | Page::Ended
        | Page::Authorize => return Ok(()),
        // Those of whoever is signed in, see above.
        Page::StepUp
        | Page::SignOut
        | Page::Account
        | Page::ChangePassword
        | Page::Authenticator
        | Page::SecurityKeys
        | Page::RemoveKey
        | Page::RecoveryCodes
        | Page::EndSession
        | Page::EndOthers
        | Page::FindPatient
        | Page::FoundPatients
        | Page::Patient
        | Page::Report
        | Page::History
        | Page::Version
        | Page::Document
        | Page::OldDocument
        | Page::OpenApplication
        | Page::Consent
        | Page::ChoosePatient
        | Page::BreakGlass
        | Page::EndGlass
        | Page::Reviews
        | Page::Review => return Ok(()),
    };
    match tenant {
        Some(tenant) => require(visit, tenant, by.filter(|by| by.tenant == tenant)).await,
        None => Ok(()),
    }
}

async fn require(visit: &Visit<'_>, tenant: TenantId, by: Option<&Connection>) -> Result<(), Problem> {
    match (visit.address_of(tenant), by) {
        (Address::Allowed, _) => Ok(()),
        (Address::NotAllowed, Some(by)) => Err(visit.refuse_by(by, REASON, Problem::Elsewhere).await),
        (Address::NotAllowed, None) => Err(visit.refuse(tenant, REASON, Problem::Elsewhere).await),
    }
}

/// The word of the entry.
pub(crate) const REASON: &str = "address-not-allowed";
