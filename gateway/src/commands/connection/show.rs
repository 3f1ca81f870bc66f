//! `sealgate connection show`: everything about a connection but its secret, and what its provider must know.

use super::{provisioning, rule};
use crate::cli::{Json, NamedConnection};
use crate::commands::directory::state;
use crate::commands::{find, origin};
use crate::config::Config;
use crate::exit::Outcome;
use crate::installation::Installation;
use crate::output;
use domain::directory::{ClientKey, Connection, OidcSettings, Protocol, SamlSettings};
use domain::time::Timestamp;
use serde_json::Value;
use sso::oidc::{certificate_end, look_at_client_key};
use sso::saml::IdentityProvider;

pub(super) async fn run(
    config: &Config,
    installation: &Installation,
    named: &NamedConnection,
    output: Json,
) -> Outcome {
    let directory = installation.directory().await?;
    let connection = find::connection(&directory, &named.connection, named.tenant.as_deref())?;
    if output.json {
        return output::json(&value(config, connection));
    }
    let mut rows = vec![
        row("connection", &connection.name),
        row("id", connection.id),
        row("tenant", find::tenant_name(&directory, connection.tenant)),
        row("state", state(connection.enabled)),
        row("protocol", connection.protocol.name()),
    ];
    match &connection.protocol {
        Protocol::Oidc(settings) => rows.extend(of_oidc(settings, installation.clock.now())),
        Protocol::Saml(settings) => rows.extend(of_saml(settings, installation)),
    }
    rows.extend(provisioning::rows(connection));
    output::table(&rows)?;
    output::line("")?;
    output::table(&addresses(config, connection))?;
    output::line("")?;
    output::table(&rule::rows(&directory, connection))
}

/// Returns a connection as JSON: without its secret and its private keys, with the addresses that its provider must know.
pub(super) fn value(config: &Config, connection: &Connection) -> Value {
    admin::connection(&origin::address(config, ""), connection)
}

/// Returns what an operator enters at the provider.
pub(super) fn addresses(config: &Config, connection: &Connection) -> Vec<Vec<String>> {
    let addresses = admin::addresses(&origin::address(config, ""), connection);
    let heading = [row("AT THE PROVIDER", "ENTER")];
    heading.into_iter().chain(addresses.into_iter().map(|(name, address)| row(name, address))).collect()
}

/// Returns where the provider finds our keys; `None` where there are none.
pub(super) fn keys_address(config: &Config, connection: &Connection) -> Option<String> {
    admin::keys_address(&origin::address(config, ""), connection)
}

fn of_oidc(settings: &OidcSettings, now: Timestamp) -> Vec<Vec<String>> {
    let seconds = |seconds: i64| format!("{seconds} s");
    vec![
        row("issuer", &settings.issuer),
        row("client id", &settings.client_id),
        row(
            "client secret",
            match (&settings.client_secret, settings.signing_key()) {
                (Some(_), _) => "set".to_owned(),
                (None, Some(key)) => format!("none: the key {} signs ({})", key.id, key.algorithm.name()),
                (None, None) if settings.client_keys.is_empty() => "none (public client)".to_owned(),
                (None, None) => "none (public client): a key signs after `sealgate connection key use`".to_owned(),
            },
        ),
        row("certificate of the key", settings.signing_key().map_or_else(|| "none".to_owned(), |key| end(key, now))),
        row("keys sign for", settings.assertion_audience.name()),
        row("scopes", settings.scopes.join(" ")),
        row("algorithms", settings.algorithms.join(" ")),
        row(
            "subject claim",
            format!("{}{}", settings.subject_claim, if settings.subject_claim_vouched { " (vouched for)" } else { "" }),
        ),
        row("display claim", &settings.display_claim),
        row("groups claim", &settings.groups_claim),
        row("roles claim", &settings.roles_claim),
        row("second factor by acr", or_none(&settings.second_factor_acr)),
        row(
            "second factor by amr",
            if settings.second_factor_amr.is_empty() {
                "mfa, or two methods of different kinds".to_owned()
            } else {
                settings.second_factor_amr.join(", ")
            },
        ),
        row("acr asked for", or_none(&settings.request_acr)),
        row("proof at most old", settings.max_age_seconds.map_or_else(|| "any age".to_owned(), seconds)),
        row("other hosts asked", or_none(&settings.egress)),
        row("private addresses", if settings.by_api { "only of api_private_ranges (named by API)" } else { "asked" }),
        row("without TLS", if settings.allow_http_loopback { "at loopback" } else { "never" }),
    ]
}

/// Says when the certificate of a key ends, loudly where that is near, and what else is wrong with the key.
fn end(key: &ClientKey, now: Timestamp) -> String {
    let ends = format!("ends {}", certificate_end(key).rfc3339());
    match look_at_client_key(key, now) {
        None => ends,
        Some(fault) => format!("{ends}. ATTENTION: {}", fault.explain()),
    }
}

fn of_saml(settings: &SamlSettings, installation: &Installation) -> Vec<Vec<String>> {
    let or = |attribute: &Option<String>, otherwise: &str| attribute.clone().unwrap_or_else(|| otherwise.to_owned());
    let metadata = match IdentityProvider::read(settings, installation.clock.now()) {
        Ok(provider) => {
            let until = provider.valid_until.map_or_else(String::new, |end| format!(", until {}", end.rfc3339()));
            format!("{} signing certificates{until}", provider.certificates.len())
        }
        Err(fault) => format!("CANNOT BE USED: {fault}"),
    };
    vec![
        row("provider", &settings.idp_entity_id),
        row("metadata", metadata),
        row("subject attribute", or(&settings.subject_attribute, "none: the NameID, persistent")),
        row("display attribute", or(&settings.display_attribute, "none")),
        row("groups attribute", or(&settings.groups_attribute, "none")),
        row("roles attribute", or(&settings.roles_attribute, "none")),
        row("second factor by", or_none(&settings.second_factor_contexts)),
        row("begun at the provider", if settings.allow_unsolicited { "accepted" } else { "refused" }),
        row("not encrypted", if settings.want_encrypted { "refused" } else { "accepted" }),
    ]
}

fn or_none(values: &[String]) -> String {
    if values.is_empty() { "none".to_owned() } else { values.join(" ") }
}

fn row(name: &str, value: impl std::fmt::Display) -> Vec<String> {
    vec![name.to_owned(), output::printable(&value.to_string())]
}
