//! `sealgate connection …`: the identity providers by which people sign in.

mod add;
mod key;
mod provisioning;
mod rule;
mod show;

use super::directory::state;
use super::{files, find, not_changed};
use crate::cli::{Connection, Json, NamedConnection, RedirectAddress};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::administration::{ChangeFault, NotChanged};
use domain::directory::{self, Hidden, MAX_METADATA_BYTES, OidcSettings, Protocol, SamlSettings};
use domain::time::Timestamp;
use serde_json::json;
use sso::saml::usable;
use std::path::Path;

/// Runs `sealgate connection …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn run(config: &Config, command: Connection) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        Connection::AddOidc(add) => add::oidc(config, &installation, add).await,
        Connection::AddSaml(add) => add::saml(config, &installation, add).await,
        Connection::List { tenant, output } => list(&installation, tenant.as_deref(), output).await,
        Connection::Show { connection, output } => show::run(config, &installation, &connection, output).await,
        Connection::Rule(command) => rule::run(&installation, command).await,
        Connection::SetSecret { connection, client_secret_file } => {
            let secret = files::secret(&client_secret_file);
            match secret {
                Ok(secret) => set_secret(&installation, &connection, secret).await,
                Err(stop) => Err(stop),
            }
        }
        Connection::Key(command) => key::run(config, &installation, command).await,
        Connection::SetRedirect { connection, redirect } => {
            set_redirect(config, &installation, &connection, redirect == RedirectAddress::Own).await
        }
        Connection::SetMetadata { connection, metadata_file } => {
            set_metadata(&installation, &connection, &metadata_file).await
        }
        Connection::ScimToken { connection, revoke, output } => {
            provisioning::token(config, &installation, &connection, revoke.as_deref(), output).await
        }
        Connection::Provisioning(change) => provisioning::run(&installation, change).await,
        Connection::Enable(connection) => set_enabled(&installation, &connection, true).await,
        Connection::Disable(connection) => set_enabled(&installation, &connection, false).await,
    };
    installation.close().await;
    done
}

async fn list(installation: &Installation, tenant: Option<&str>, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = tenant.map(|name| find::tenant(&directory, name)).transpose()?;
    let chosen =
        || directory.connections().filter(|connection| tenant.is_none_or(|tenant| connection.tenant == tenant));
    if output.json {
        let values = chosen().map(|connection| {
            json!({ "id": connection.id.to_string(), "name": connection.name, "tenant": connection.tenant.to_string(),
                    "protocol": connection.protocol.name(), "provider": provider(connection),
                    "rules": connection.rules.len(), "enabled": connection.enabled })
        });
        return output::json(&values.collect());
    }
    let heading = ["CONNECTION", "TENANT", "PROTOCOL", "PROVIDER", "RULES", "STATE", "ID"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for connection in chosen() {
        rows.push(vec![
            connection.name.clone(),
            find::tenant_name(&directory, connection.tenant),
            connection.protocol.name().to_owned(),
            provider(connection).to_owned(),
            connection.rules.len().to_string(),
            state(connection.enabled),
            connection.id.to_string(),
        ]);
    }
    output::table(&rows)
}

/// Returns how the provider names itself.
fn provider(connection: &directory::Connection) -> &str {
    match &connection.protocol {
        Protocol::Oidc(settings) => &settings.issuer,
        Protocol::Saml(settings) => &settings.idp_entity_id,
    }
}

async fn set_enabled(installation: &Installation, named: &NamedConnection, enabled: bool) -> Outcome {
    let changed = change(installation, named, |connection| {
        connection.enabled = enabled;
        Ok(())
    });
    let changed = changed.await?;
    if enabled {
        return output::line(format_args!("connection {} enabled: people come by it within a second", changed.name));
    }
    let name = &changed.name;
    output::line(format_args!("connection {name} disabled: nobody comes by it, and its sessions end, within a second"))
}

async fn set_secret(installation: &Installation, named: &NamedConnection, secret: Hidden) -> Outcome {
    let changed = change(installation, named, |connection| {
        oidc(connection)?.set_secret(Some(secret.clone()));
        Ok(())
    });
    let changed = changed.await?;
    output::line(format_args!("connection {}: the new client secret is in force within a second", changed.name))
}

async fn set_redirect(config: &Config, installation: &Installation, named: &NamedConnection, own: bool) -> Outcome {
    let changed = change(installation, named, |connection| {
        oidc(connection)?.own_redirect = own;
        Ok(())
    });
    let changed = changed.await?;
    output::table(&show::addresses(config, &changed))?;
    output::note("");
    output::note(format_args!(
        "connection {}: sign-ins come back there within a second; until the provider knows the address, nobody comes by it",
        changed.name
    ));
    Ok(())
}

/// Borrows the settings of a connection that speaks OpenID Connect.
fn oidc(connection: &mut directory::Connection) -> Outcome<&mut OidcSettings> {
    match &mut connection.protocol {
        Protocol::Oidc(settings) => Ok(settings),
        Protocol::Saml(_) => {
            Err(Stop::new(Exit::Usage, "the connection speaks SAML: it has no client secret, key or redirect"))
        }
    }
}

async fn set_metadata(installation: &Installation, named: &NamedConnection, file: &Path) -> Outcome {
    let (metadata, now) = (files::text(file, MAX_METADATA_BYTES)?, installation.clock.now());
    let changed = change(installation, named, |connection| match &mut connection.protocol {
        Protocol::Saml(settings) => {
            settings.metadata.clone_from(&metadata);
            check_metadata(settings, now)
        }
        Protocol::Oidc(_) => Err(Stop::new(Exit::Usage, "a connection by OpenID Connect has no metadata file")),
    });
    let changed = changed.await?;
    output::line(format_args!("connection {}: the new metadata is in force within a second", changed.name))
}

/// Changes a connection as it is stored at this moment; the change may refuse, and then nothing is written. It is made anew over
/// whatever somebody else wrote in between.
async fn change(
    installation: &Installation,
    named: &NamedConnection,
    mut change: impl FnMut(&mut directory::Connection) -> Outcome + Send,
) -> Outcome<directory::Connection> {
    let directory = installation.directory().await?;
    let id = find::connection(&directory, &named.connection, named.tenant.as_deref())?.id;
    let (administration, by) = (installation.administration(), installation.by_operator());
    for _ in 0..RACES {
        match administration.change(&by, id, None, &mut change).await {
            Ok(changed) => return Ok(changed.after.entry),
            Err(ChangeFault::Refused(stop)) => return Err(stop),
            Err(ChangeFault::NotChanged(NotChanged::Raced) | ChangeFault::OtherVersion) => {}
            Err(ChangeFault::NotChanged(fault)) => return Err(not_changed(fault)),
        }
    }
    Err(not_changed(NotChanged::Raced))
}

/// How often a change that somebody else overtook is made anew.
const RACES: usize = 16;

/// Says whether metadata can be used: it is refused here rather than at the first sign-in.
fn check_metadata(settings: &SamlSettings, now: Timestamp) -> Outcome {
    usable(settings, now).map_err(|why| Stop::new(Exit::Failed, output::printable(&why.to_string())))
}
