//! Finding what an operator means by a name or an id.

use crate::exit::{Exit, Outcome, Stop};
use domain::access::Role;
use domain::audit::ChainId;
use domain::directory::Directory;
use domain::id::{ClinicId, TenantId};

/// Returns the tenant of a name or id.
///
/// # Errors
/// [`Exit::Failed`] when there is none.
pub fn tenant(directory: &Directory, name: &str) -> Outcome<TenantId> {
    let by_id = name.parse().ok().and_then(|id| directory.tenant(id));
    directory.tenant_by_name(name).or(by_id).map(|tenant| tenant.id).ok_or_else(|| {
        Stop::new(Exit::Failed, format!("there is no tenant `{name}`: `sealgate tenant list` shows them"))
    })
}

/// Returns the chain of a tenant's name or id, or of the system.
///
/// # Errors
/// As for [`tenant`].
pub fn chain(directory: &Directory, name: &str) -> Outcome<ChainId> {
    if name == "system" { Ok(ChainId::SYSTEM) } else { tenant(directory, name).map(ChainId::from) }
}

/// Returns the clinic of a tenant by name or id.
///
/// # Errors
/// [`Exit::Failed`] when there is none.
pub fn clinic(directory: &Directory, tenant: TenantId, name: &str) -> Outcome<ClinicId> {
    directory
        .clinics()
        .find(|clinic| clinic.tenant == tenant && (clinic.name == name || clinic.id.to_string() == name))
        .map(|clinic| clinic.id)
        .ok_or_else(|| {
            Stop::new(Exit::Failed, format!("the tenant has no clinic `{name}`: `sealgate tenant list` shows them"))
        })
}

/// Returns a tenant's name, or its id when it has none here.
pub fn tenant_name(directory: &Directory, tenant: TenantId) -> String {
    directory.tenant(tenant).map_or_else(|| tenant.to_string(), |tenant| tenant.name.clone())
}

/// Returns the names of all roles, for an error line.
pub fn role_names() -> String {
    Role::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}
