//! `sealgate tenant`, `interface` and `client`: the parties, the connections and the readers.

use super::find;
use crate::chains::NotVerified;
use crate::cli::{Client, Interface, InterfaceAdd, Json, Tenant, UnavailableAs};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::access::{Purpose, Role};
use domain::administration::{NewClient, NotChanged};
use domain::directory;
use domain::id::RecordId;
use domain::time::Timestamp;
use serde_json::json;

/// Runs `sealgate tenant …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn tenant(config: &Config, command: Tenant) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        Tenant::Add { name, output } => add_tenant(&installation, &name, output).await,
        Tenant::List(output) => list_tenants(&installation, output).await,
        Tenant::Settings(change) => super::settings::run(&installation, change).await,
        Tenant::AddClinic { tenant, name, output } => add_clinic(&installation, &tenant, &name, output).await,
    };
    installation.close().await;
    done
}

async fn add_tenant(installation: &Installation, name: &str, output: Json) -> Outcome {
    let tenant =
        installation.administration().add_tenant(&installation.by_operator(), name).await.map_err(not_changed)?;
    if output.json {
        return output::json(&json!({ "id": tenant.id.to_string(), "name": tenant.name }));
    }
    output::line(format_args!("tenant {} added: {}", tenant.name, tenant.id))
}

async fn add_clinic(installation: &Installation, tenant: &str, name: &str, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, tenant)?;
    let clinic = installation
        .administration()
        .add_clinic(&installation.by_operator(), tenant, name)
        .await
        .map_err(not_changed)?;
    if output.json {
        return output::json(
            &json!({ "id": clinic.id.to_string(), "name": clinic.name, "tenant": tenant.to_string() }),
        );
    }
    output::line(format_args!("clinic {} added: {}", clinic.name, clinic.id))
}

async fn list_tenants(installation: &Installation, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    if output.json {
        let tenants: Vec<_> = directory
            .tenants()
            .map(|tenant| {
                let clinics = directory.clinics().filter(|clinic| clinic.tenant == tenant.id);
                let clinics: Vec<_> =
                    clinics.map(|clinic| json!({ "id": clinic.id.to_string(), "name": clinic.name })).collect();
                json!({ "id": tenant.id.to_string(), "name": tenant.name, "clinics": clinics })
            })
            .collect();
        return output::json(&json!(tenants));
    }
    let mut rows = vec![vec!["TENANT".to_owned(), "CLINIC".to_owned(), "ID".to_owned()]];
    for tenant in directory.tenants() {
        rows.push(vec![tenant.name.clone(), String::new(), tenant.id.to_string()]);
        for clinic in directory.clinics().filter(|clinic| clinic.tenant == tenant.id) {
            rows.push(vec![tenant.name.clone(), clinic.name.clone(), clinic.id.to_string()]);
        }
    }
    output::table(&rows)
}

/// Runs `sealgate interface …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn interface(config: &Config, command: Interface) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        Interface::Add(add) => add_interface(config, &installation, add).await,
        Interface::List(output) => list_interfaces(&installation, output).await,
        Interface::Disable { interface } => disable_interface(&installation, &interface).await,
    };
    installation.close().await;
    done
}

async fn add_interface(config: &Config, installation: &Installation, add: InterfaceAdd) -> Outcome {
    if !config.mllp.iter().any(|listener| listener.name == add.listener) {
        let known: Vec<_> = config.mllp.iter().map(|listener| listener.name.as_str()).collect();
        let line = format!("the configuration has no listener `{}`; it has: {}", add.listener, known.join(", "));
        return Err(Stop::new(Exit::Failed, line));
    }
    // Only their form is a rule of the directory; a name that nothing knows would be passed over in silence later.
    if !hl7::service::knows_time_zone(&add.time_zone) {
        return Err(Stop::new(Exit::Usage, format!("`{}` is no IANA time zone, as Europe/London", add.time_zone)));
    }
    if let Some(set) = &add.character_set
        && hl7::message::Charset::named(set).is_none()
    {
        let line = format!("`{set}` is no character set of HL7 table 0211, as 8859/1 or UNICODE UTF-8");
        return Err(Stop::new(Exit::Usage, line));
    }
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, &add.tenant)?;
    let clinic = add.clinic.as_deref().map(|clinic| find::clinic(&directory, tenant, clinic)).transpose()?;
    let new = directory::Interface {
        id: RecordId([0; 16]),
        tenant,
        clinic,
        name: add.name,
        listener: add.listener,
        sending_application: add.sending_application,
        sending_facility: add.sending_facility,
        peers: add.peers,
        time_zone: add.time_zone,
        character_set: add.character_set,
        processing_ids: add.processing_ids.chars().collect(),
        unavailable_as: match add.unavailable_as {
            UnavailableAs::Close => directory::UnavailableAs::Close,
            UnavailableAs::Ae => directory::UnavailableAs::ApplicationError,
            UnavailableAs::Ar => directory::UnavailableAs::ApplicationReject,
        },
        mapping_failure_as: if add.mapping_failure_as_error {
            directory::MappingFailureAs::ApplicationError
        } else {
            directory::MappingFailureAs::ApplicationAccept
        },
        enabled: true,
        created: Timestamp::default(),
    };
    let added =
        installation.administration().add_interface(&installation.by_operator(), new).await.map_err(not_changed)?;
    if add.output.json {
        return output::json(&json!({ "id": added.id.to_string(), "name": added.name, "tenant": tenant.to_string() }));
    }
    output::line(format_args!("interface {} added on listener {}: {}", added.name, added.listener, added.id))
}

async fn list_interfaces(installation: &Installation, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    if output.json {
        let interfaces: Vec<_> = directory.interfaces().map(serde_json::to_value).filter_map(Result::ok).collect();
        return output::json(&json!(interfaces));
    }
    let heading = ["INTERFACE", "TENANT", "LISTENER", "SENDER", "PEERS", "STATE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for interface in directory.interfaces() {
        let any = |name: &Option<String>| name.clone().unwrap_or_else(|| "*".to_owned());
        rows.push(vec![
            interface.name.clone(),
            find::tenant_name(&directory, interface.tenant),
            interface.listener.clone(),
            format!("{}|{}", any(&interface.sending_application), any(&interface.sending_facility)),
            interface.peers.join(" "),
            state(interface.enabled),
        ]);
    }
    output::table(&rows)
}

async fn disable_interface(installation: &Installation, name: &str) -> Outcome {
    let directory = installation.directory().await?;
    let id = directory
        .interfaces()
        .find(|interface| interface.name == name || interface.id.to_string() == name)
        .map(|interface| interface.id)
        .ok_or_else(|| {
            let known = directory.interfaces().map(|interface| interface.name.as_str());
            find::nothing("interface", name, known, "sealgate interface list")
        })?;
    let changed =
        installation.administration().disable_interface(&installation.by_operator(), id).await.map_err(not_changed)?;
    output::line(format_args!("interface {} disabled: its messages are refused within a second", changed.name))
}

/// Runs `sealgate client …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn client(config: &Config, command: Client) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        Client::Add { name, tenant, roles, clinics, output } => {
            add_client(&installation, name, &tenant, &roles, &clinics, output).await
        }
        Client::List(output) => list_clients(&installation, output).await,
        Client::Disable { client } => disable_client(&installation, &client).await,
    };
    installation.close().await;
    done
}

async fn add_client(
    installation: &Installation,
    name: String,
    tenant: &str,
    roles: &[String],
    clinics: &[String],
    output: Json,
) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, tenant)?;
    let roles = find::roles(roles)?;
    let clinics = find::clinics(&directory, tenant, clinics)?;
    let new = NewClient { tenant, name, roles, clinics, purpose: Purpose::Treatment, expires: None };
    let (client, token) =
        installation.administration().add_client(&installation.by_operator(), new).await.map_err(not_changed)?;
    if output.json {
        let value = json!({ "id": client.id.to_string(), "name": client.name, "token": token.expose() });
        return output::json(&value);
    }
    output::note(format_args!("client {} added: {}", client.name, client.id));
    output::note("its bearer token follows; it is shown this once, only its hash is kept:");
    output::line(token.expose())
}

async fn list_clients(installation: &Installation, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    if output.json {
        let clients: Vec<_> = directory
            .clients()
            .map(|client| {
                let roles: Vec<_> = client.roles.iter().map(Role::name).collect();
                json!({ "id": client.id.to_string(), "name": client.name, "tenant": client.tenant.to_string(),
                        "roles": roles, "enabled": client.enabled })
            })
            .collect();
        return output::json(&json!(clients));
    }
    let mut rows = vec![["CLIENT", "TENANT", "ROLES", "STATE", "ID"].map(str::to_owned).to_vec()];
    for client in directory.clients() {
        let roles: Vec<_> = client.roles.iter().map(Role::name).collect();
        rows.push(vec![
            client.name.clone(),
            find::tenant_name(&directory, client.tenant),
            roles.join(" "),
            state(client.enabled),
            client.id.to_string(),
        ]);
    }
    output::table(&rows)
}

async fn disable_client(installation: &Installation, name: &str) -> Outcome {
    let directory = installation.directory().await?;
    let id = directory
        .clients()
        .find(|client| client.name == name || client.id.to_string() == name)
        .map(|client| client.id)
        .ok_or_else(|| {
            let known = directory.clients().map(|client| client.name.as_str());
            find::nothing("client", name, known, "sealgate client list")
        })?;
    let changed =
        installation.administration().disable_client(&installation.by_operator(), id).await.map_err(not_changed)?;
    output::line(format_args!("client {} disabled: its token is refused within a second", changed.name))
}

pub(super) fn state(enabled: bool) -> String {
    if enabled { "enabled" } else { "disabled" }.to_owned()
}

/// Says why the directory or a key was not changed.
pub(crate) fn not_changed(fault: NotChanged) -> Stop {
    match fault {
        NotChanged::Unavailable => Stop::new(Exit::Unavailable, "nothing was changed: the database does not answer"),
        NotChanged::Broken(broken) => NotVerified::Broken(broken).into(),
        fault => Stop::new(Exit::Failed, format!("nothing was changed: {fault}")),
    }
}
