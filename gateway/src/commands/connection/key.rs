//! `sealgate connection key …`: keys by which we show a provider that we are its client, instead of by a shared secret.

use super::{change, oidc, show};
use crate::cli::{self, ClientKeyAlgorithm, ConnectionKey, Json, NamedConnection};
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::directory::{AssertionAudience, ClientAlgorithm, ClientKey, Connection, OidcSettings};
use serde_json::{Value, json};
use sso::oidc::{certificate_end, certificate_pem, look_at_client_key, make_client_key};

pub(super) async fn run(config: &Config, installation: &Installation, command: ConnectionKey) -> Outcome {
    match command {
        ConnectionKey::Make { connection, algorithm, output } => {
            make(config, installation, &connection, algorithm, output).await
        }
        ConnectionKey::List { connection, output } => list(config, installation, &connection, output).await,
        ConnectionKey::Certificate { connection, key } => certificate(installation, &connection, &key).await,
        ConnectionKey::Use { connection, key, assertion_audience } => {
            sign_by(installation, &connection, &key, assertion_audience.map(Into::into)).await
        }
        ConnectionKey::Remove { connection, key } => remove(installation, &connection, &key).await,
    }
}

/// Makes a key of an algorithm.
pub(super) fn draw(installation: &Installation, algorithm: ClientKeyAlgorithm) -> Outcome<ClientKey> {
    let algorithm = match algorithm {
        ClientKeyAlgorithm::Es256 => ClientAlgorithm::Es256,
        ClientKeyAlgorithm::Rs256 => ClientAlgorithm::Rs256,
    };
    make_client_key(algorithm, installation.clock.now())
        .map_err(|_| Stop::new(Exit::Failed, "the key could not be made"))
}

async fn make(
    config: &Config,
    installation: &Installation,
    named: &NamedConnection,
    algorithm: ClientKeyAlgorithm,
    output: Json,
) -> Outcome {
    let key = draw(installation, algorithm)?;
    let made = key.id.clone();
    let changed = change(installation, named, |connection| {
        oidc(connection)?.publish_key(key.clone());
        Ok(())
    });
    let changed = changed.await?;
    if output.json {
        return output::json(&values(config, &changed));
    }
    output::line(format_args!("connection {}: key {made} made", changed.name))?;
    output::line("")?;
    output::table(&show::addresses(config, &changed))?;
    output::note("");
    output::note(format_args!(
        "it does not sign yet: once the provider knows it, say `sealgate connection key use {} {made}`",
        changed.id
    ));
    Ok(())
}

async fn list(config: &Config, installation: &Installation, named: &NamedConnection, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    let connection = find::connection(&directory, &named.connection, named.tenant.as_deref())?;
    let Some(settings) = connection.oidc() else { return Err(no_oidc()) };
    if output.json {
        return output::json(&values(config, connection));
    }
    let mut rows = vec![["KEY", "ALGORITHM", "MADE", "CERTIFICATE ENDS", "STATE"].map(str::to_owned).to_vec()];
    let now = installation.clock.now();
    for key in &settings.client_keys {
        let state = if signs(settings, key) { "signs" } else { "published" };
        let fault = look_at_client_key(key, now).map(|fault| format!("; {}", fault.name())).unwrap_or_default();
        rows.push(vec![
            key.id.clone(),
            key.algorithm.name().to_owned(),
            key.created.rfc3339(),
            certificate_end(key).rfc3339(),
            format!("{state}{fault}"),
        ]);
    }
    output::table(&rows)
}

async fn certificate(installation: &Installation, named: &NamedConnection, id: &str) -> Outcome {
    let directory = installation.directory().await?;
    let connection = find::connection(&directory, &named.connection, named.tenant.as_deref())?;
    let keys = connection.oidc().map(|settings| settings.client_keys.as_slice()).unwrap_or_default();
    let key = keys.iter().find(|key| key.id == id).ok_or_else(|| no_key(connection, id))?;
    let pem = certificate_pem(key).map_err(|_| Stop::new(Exit::Failed, "the certificate cannot be read"))?;
    output::line(pem.trim_end())
}

async fn sign_by(
    installation: &Installation,
    named: &NamedConnection,
    id: &str,
    audience: Option<AssertionAudience>,
) -> Outcome {
    let changed = change(installation, named, |connection| {
        let missing = no_key(connection, id);
        let settings = oidc(connection)?;
        if !settings.sign_by(id) {
            return Err(missing);
        }
        settings.assertion_audience = audience.unwrap_or(settings.assertion_audience);
        Ok(())
    });
    let changed = changed.await?;
    output::line(format_args!(
        "connection {}: key {id} signs within a second, instead of what did before",
        changed.name
    ))
}

async fn remove(installation: &Installation, named: &NamedConnection, id: &str) -> Outcome {
    let changed = change(installation, named, |connection| {
        let missing = no_key(connection, id);
        let settings = oidc(connection)?;
        let at = settings.client_keys.iter().position(|key| key.id == id).ok_or(missing)?;
        if settings.signing_key().is_some_and(|key| key.id == id) {
            let line = "this key signs: let another sign first, or give the connection a secret";
            return Err(Stop::new(Exit::Usage, line));
        }
        settings.client_keys.remove(at);
        Ok(())
    });
    let changed = changed.await?;
    output::line(format_args!("connection {}: key {id} removed", changed.name))
}

impl From<cli::AssertionAudience> for AssertionAudience {
    fn from(audience: cli::AssertionAudience) -> Self {
        match audience {
            cli::AssertionAudience::TokenEndpoint => AssertionAudience::TokenEndpoint,
            cli::AssertionAudience::Issuer => AssertionAudience::Issuer,
        }
    }
}

fn values(config: &Config, connection: &Connection) -> Value {
    let keys = connection.oidc().into_iter().flat_map(|settings| {
        settings.client_keys.iter().map(|key| {
            json!({ "id": key.id, "algorithm": key.algorithm.name(), "created": key.created.rfc3339(),
                    "certificate_ends": certificate_end(key).rfc3339(), "signs": signs(settings, key) })
        })
    });
    json!({ "connection": connection.id.to_string(), "address": show::keys_address(config, connection),
            "keys": keys.collect::<Vec<_>>() })
}

fn signs(settings: &OidcSettings, key: &ClientKey) -> bool {
    settings.signing_key().is_some_and(|signing| signing.id == key.id)
}

fn no_key(connection: &Connection, id: &str) -> Stop {
    let keys = connection.oidc().map(|settings| settings.client_keys.as_slice()).unwrap_or_default();
    let hint = find::hint(id, keys.iter().map(|key| key.id.as_str()));
    Stop::new(Exit::Usage, format!("connection {} has no key `{}`{hint}", connection.name, output::printable(id)))
}

fn no_oidc() -> Stop {
    Stop::new(Exit::Usage, "a SAML connection has no client keys: its keys are in the configuration")
}
