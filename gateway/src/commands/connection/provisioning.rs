//! `sealgate connection scim-token` and `provisioning`: people that a provider tells of ahead of their sign-in.

use super::change;
use crate::cli::{Json, NamedConnection, ProvisionedGroups, ProvisionedSubject, ProvisioningChange, YesOrNo};
use crate::commands::{find, not_changed, origin};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::administration::{ChangeFault, NotChanged, UnknownToken};
use domain::directory::{self, Connection, ProvisioningToken};
use serde_json::json;

pub(super) async fn token(
    config: &Config,
    installation: &Installation,
    named: &NamedConnection,
    revoke: Option<&str>,
    output: Json,
) -> Outcome {
    let directory = installation.directory().await?;
    let connection = find::connection(&directory, &named.connection, named.tenant.as_deref())?;
    let (administration, by) = (installation.administration(), installation.by_operator());
    if let Some(mark) = revoke {
        let revoked = administration.revoke_provisioning_token(&by, connection.id, None, mark).await;
        let name = revoked
            .map_err(|fault| match fault {
                ChangeFault::Refused(UnknownToken) => no_token(connection, mark),
                ChangeFault::NotChanged(fault) => not_changed(fault),
                ChangeFault::OtherVersion => not_changed(NotChanged::Raced),
            })?
            .entry
            .name;
        return output::line(format_args!("connection {name}: token {mark} is refused within a second"));
    }
    let added = administration.add_provisioning_token(&by, connection.id, None).await;
    let (stored, token) = added.map_err(|fault| match fault {
        ChangeFault::NotChanged(fault) => not_changed(fault),
        ChangeFault::OtherVersion => not_changed(NotChanged::Raced),
        ChangeFault::Refused(never) => match never {},
    })?;
    let changed = stored.entry;
    let mark = changed.provisioning.tokens.last().map(ProvisioningToken::mark).unwrap_or_default();
    let address = address(config, &changed);
    if output.json {
        return output::json(&json!({ "connection": changed.id.to_string(), "address": address, "mark": mark,
                                     "token": token.expose() }));
    }
    output::note(format_args!("connection {}: the provider tells of its people at {address}", changed.name));
    if !changed.provisioning.required {
        output::note(
            "people it does not tell of are admitted as well: `sealgate connection provisioning --required yes` ends that",
        );
    }
    output::note(format_args!("the token {mark} follows; it is shown this once, and holds within a second:"));
    output::line(token.expose())
}

pub(super) async fn run(installation: &Installation, wanted: ProvisioningChange) -> Outcome {
    let changed = change(installation, &wanted.connection, |connection| {
        let provisioning = &mut connection.provisioning;
        if let Some(required) = wanted.required {
            provisioning.required = required == YesOrNo::Yes;
        }
        if let Some(subject) = wanted.subject {
            provisioning.subject = match subject {
                ProvisionedSubject::ExternalId => directory::ProvisionedSubject::ExternalId,
                ProvisionedSubject::UserName => directory::ProvisionedSubject::UserName,
            };
        }
        if let Some(groups) = wanted.groups {
            provisioning.groups = match groups {
                ProvisionedGroups::Never => directory::ProvisionedGroups::Never,
                ProvisionedGroups::WhenUnknown => directory::ProvisionedGroups::WhenUnknown,
                ProvisionedGroups::Always => directory::ProvisionedGroups::Always,
            };
        }
        if wanted.any_address {
            provisioning.addresses.clear();
        } else if !wanted.addresses.is_empty() {
            provisioning.addresses.clone_from(&wanted.addresses);
        }
        Ok(())
    });
    let changed = changed.await?;
    output::table(&rows(&changed))
}

/// Returns what is in force, as a table.
pub(super) fn rows(connection: &Connection) -> Vec<Vec<String>> {
    let provisioning = &connection.provisioning;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let tokens = provisioning.tokens.iter().map(|token| format!("{} of {}", token.mark(), token.created.rfc3339()));
    let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
    vec![
        row("people not told of", if provisioning.required { "refused" } else { "admitted by the rules" }.to_owned()),
        row("told by the subject", subject(provisioning.subject).to_owned()),
        row("groups told of", groups(provisioning.groups).to_owned()),
        row("told from", or(provisioning.addresses.join(" "), "any address")),
        row("tokens to tell by", or(tokens.collect::<Vec<_>>().join(", "), "none")),
    ]
}

/// Returns where the provider tells of its people.
pub(super) fn address(config: &Config, connection: &Connection) -> String {
    origin::address(config, &format!("/scim/v2/{}", connection.id))
}

const fn subject(subject: directory::ProvisionedSubject) -> &'static str {
    match subject {
        directory::ProvisionedSubject::ExternalId => "externalId",
        directory::ProvisionedSubject::UserName => "userName",
    }
}

const fn groups(groups: directory::ProvisionedGroups) -> &'static str {
    match groups {
        directory::ProvisionedGroups::Never => "not asked for",
        directory::ProvisionedGroups::WhenUnknown => "asked for where a sign-in does not list them",
        directory::ProvisionedGroups::Always => "asked for always",
    }
}

fn no_token(connection: &Connection, mark: &str) -> Stop {
    let known: Vec<_> = connection.provisioning.tokens.iter().map(ProvisioningToken::mark).collect();
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has: {}", known.join(", ")) };
    Stop::new(
        Exit::Failed,
        format!("connection {} has no token `{}`; {known}", connection.name, output::printable(mark)),
    )
}
