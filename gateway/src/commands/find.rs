//! Finding what an operator means by a name or an id.

use crate::cli;
use crate::config::nearest;
use crate::exit::{Exit, Outcome, Stop};
use domain::access::{Clinics, Purpose, Role, Roles};
use domain::audit::ChainId;
use domain::directory::{Account, Application, Connection, Directory, Entry};
use domain::id::{ClinicId, TenantId};
use domain::index::{Field, normalise};

/// Returns the tenant of a name or id.
///
/// # Errors
/// [`Exit::Failed`] when there is none.
pub fn tenant(directory: &Directory, name: &str) -> Outcome<TenantId> {
    let by_id = name.parse().ok().and_then(|id| directory.tenant(id));
    directory.tenant_by_name(name).or(by_id).map(|tenant| tenant.id).ok_or_else(|| {
        let known = directory.tenants().map(|tenant| tenant.name.as_str());
        nothing("tenant", name, known, "sealgate tenant list")
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
    let ours = || directory.clinics().filter(|clinic| clinic.tenant == tenant);
    ours()
        .find(|clinic| clinic.name == name || clinic.id.to_string() == name)
        .map(|clinic| clinic.id)
        .ok_or_else(|| nothing("clinic", name, ours().map(|clinic| clinic.name.as_str()), "sealgate tenant list"))
}

/// Returns the clinics of a tenant by names or ids; none given means all.
///
/// # Errors
/// As for [`clinic`].
pub fn clinics(directory: &Directory, tenant: TenantId, names: &[String]) -> Outcome<Clinics> {
    if names.is_empty() {
        return Ok(Clinics::All);
    }
    names.iter().map(|name| clinic(directory, tenant, name)).collect::<Outcome<_>>().map(Clinics::Some)
}

/// Returns the connection of a name or id, within a tenant where one is named.
///
/// # Errors
/// [`Exit::Failed`] when there is none, or several tenants have one.
pub fn connection<'a>(directory: &'a Directory, name: &str, within: Option<&str>) -> Outcome<&'a Connection> {
    let within = within.map(|name| tenant(directory, name)).transpose()?;
    entry("connection", directory.connections(), name, within, "sealgate connection list")
}

/// Returns the account of a sign-in name or id, within a tenant where one is named.
///
/// # Errors
/// As for [`connection`].
pub fn account<'a>(directory: &'a Directory, name: &str, within: Option<&str>) -> Outcome<&'a Account> {
    let within = within.map(|name| tenant(directory, name)).transpose()?;
    entry("user", directory.accounts(), name, within, "sealgate user list")
}

/// Returns the application of a name or client id, within a tenant where one is named.
///
/// # Errors
/// As for [`connection`].
pub fn application<'a>(directory: &'a Directory, name: &str, within: Option<&str>) -> Outcome<&'a Application> {
    let within = within.map(|name| tenant(directory, name)).transpose()?;
    entry("application", directory.applications(), name, within, "sealgate application list")
}

fn entry<'a, E: Entry>(
    what: &str,
    all: impl Iterator<Item = &'a E>,
    name: &str,
    within: Option<TenantId>,
    list: &str,
) -> Outcome<&'a E> {
    let all: Vec<_> = all.filter(|entry| within.is_none_or(|tenant| entry.tenant() == tenant)).collect();
    // As the claim that keeps names apart within a tenant compares them.
    let same = |known: &str| normalise(Field::Label, known) == normalise(Field::Label, name);
    let is = |entry: &&&E| same(entry.name()) || entry.record().to_string() == name;
    let mut found = all.iter().filter(is);
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(_), Some(_)) => {
            let line = format!("several tenants have a {what} `{name}`: say which with --tenant");
            Err(Stop::new(Exit::Failed, line))
        }
        (None, _) => Err(nothing(what, name, all.iter().map(|entry| entry.name()), list)),
    }
}

/// Returns the roles of these names.
///
/// # Errors
/// [`Exit::Usage`] for a name that no role has.
pub fn roles(names: &[impl AsRef<str>]) -> Outcome<Roles> {
    let role = |name: &str| {
        Role::from_name(name).ok_or_else(|| {
            let hint = hint(name, Role::ALL.iter().map(|role| role.name()));
            Stop::new(Exit::Usage, format!("there is no role `{name}`{hint}; roles: {}", role_names()))
        })
    };
    names.iter().map(|name| role(name.as_ref())).collect()
}

/// Says that there is nothing of this name, which known name is near, and which command shows them.
#[must_use]
pub fn nothing<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>, list: &str) -> Stop {
    let hint = hint(name, known);
    Stop::new(Exit::Failed, format!("there is no {what} `{name}`{hint}: `{list}` shows them"))
}

/// Returns the question after the known name that is nearest, or nothing.
pub fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
}

/// Returns a tenant's name, or its id when it has none here.
pub fn tenant_name(directory: &Directory, tenant: TenantId) -> String {
    directory.tenant(tenant).map_or_else(|| tenant.to_string(), |tenant| tenant.name.clone())
}

/// Returns the names of clinics, or `*` for all.
pub fn clinic_names(directory: &Directory, clinics: &Clinics) -> String {
    let name = |id: &ClinicId| {
        let known = directory.clinics().find(|clinic| clinic.id == *id);
        known.map_or_else(|| id.to_string(), |clinic| clinic.name.clone())
    };
    match clinics {
        Clinics::All => "*".to_owned(),
        Clinics::Some(clinics) => clinics.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

/// Returns the names of some roles.
pub fn names_of(roles: Roles) -> String {
    roles.iter().map(Role::name).collect::<Vec<_>>().join(" ")
}

/// Returns the names of all roles, for an error line.
pub fn role_names() -> String {
    Role::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

/// Returns the word for a purpose, as it is typed.
pub const fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "treatment",
        Purpose::Payment => "payment",
        Purpose::Operations => "operations",
    }
}

impl From<cli::Purpose> for Purpose {
    fn from(purpose: cli::Purpose) -> Self {
        match purpose {
            cli::Purpose::Treatment => Purpose::Treatment,
            cli::Purpose::Payment => Purpose::Payment,
            cli::Purpose::Operations => Purpose::Operations,
        }
    }
}
