//! `sealgate connection add-oidc` and `add-saml`.

use super::{check_metadata, key, show};
use crate::cli::{Json, OidcAdd, SamlAdd};
use crate::commands::{files, find, not_changed};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::directory::{
    Connection, MAX_METADATA_BYTES, OidcSettings, Protocol, Provisioning, SIGNATURE_ALGORITHMS, SamlSettings,
};
use domain::id::{RecordId, TenantId};
use domain::time::Timestamp;
use sso::saml::{self, NotUsable};

pub(super) async fn oidc(config: &Config, installation: &Installation, add: OidcAdd) -> Outcome {
    let usual = OidcSettings::new(add.issuer, add.client_id);
    let or = |given: Vec<String>, usual: Vec<String>| if given.is_empty() { usual } else { given };
    if let Some(unknown) = add.algorithms.iter().find(|name| !SIGNATURE_ALGORITHMS.contains(&name.as_str())) {
        let hint = find::hint(unknown, SIGNATURE_ALGORITHMS.iter().copied());
        let known = SIGNATURE_ALGORITHMS.join(", ");
        return Err(Stop::new(Exit::Usage, format!("there is no algorithm `{unknown}`{hint}; algorithms: {known}")));
    }
    let keys = add.client_key.map(|algorithm| key::draw(installation, algorithm)).transpose()?;
    let settings = OidcSettings {
        client_keys: keys.into_iter().collect(),
        assertion_audience: add.assertion_audience.into(),
        own_redirect: !add.common_redirect,
        client_secret: add.client_secret_file.as_deref().map(files::secret).transpose()?,
        scopes: or(add.scopes, usual.scopes),
        algorithms: or(add.algorithms, usual.algorithms),
        groups_claim: add.groups_claim,
        roles_claim: add.roles_claim,
        subject_claim: add.subject_claim,
        subject_claim_vouched: add.subject_claim_is_for_good,
        display_claim: add.display_claim,
        second_factor_acr: add.second_factor_acr,
        second_factor_amr: or(add.second_factor_amr, usual.second_factor_amr),
        request_acr: add.request_acr,
        max_age_seconds: add.max_age_seconds,
        egress: add.egress,
        allow_http_loopback: add.allow_http_loopback,
        ..usual
    };
    let tenant = find::tenant(&installation.directory().await?, &add.tenant)?;
    finish(config, installation, tenant, add.name, Protocol::Oidc(settings), add.output).await
}

pub(super) async fn saml(config: &Config, installation: &Installation, add: SamlAdd) -> Outcome {
    let metadata = files::text(&add.metadata_file, MAX_METADATA_BYTES)?;
    let idp_entity_id = match add.idp_entity_id {
        Some(id) => id,
        None => only_entity(&metadata)?,
    };
    let settings = SamlSettings {
        metadata,
        idp_entity_id,
        sp_entity_id: add.sp_entity_id,
        subject_attribute: add.subject_attribute,
        groups_attribute: add.groups_attribute,
        roles_attribute: add.roles_attribute,
        display_attribute: add.display_attribute,
        second_factor_contexts: add.second_factor_contexts,
        allow_unsolicited: add.allow_unsolicited,
        want_encrypted: add.want_encrypted,
    };
    check_metadata(&settings, installation.clock.now())?;
    let tenant = find::tenant(&installation.directory().await?, &add.tenant)?;
    finish(config, installation, tenant, add.name, Protocol::Saml(settings), add.output).await
}

/// Returns the one entity id that metadata describes.
fn only_entity(metadata: &str) -> Outcome<String> {
    saml::only_entity(metadata).map_err(|why| match &why {
        NotUsable::Several(ids) => {
            let ids = output::printable(&ids.join(", "));
            let line =
                format!("the metadata describes several identity providers; say which with --idp-entity-id: {ids}");
            Stop::new(Exit::Failed, line)
        }
        NotUsable::Nobody | NotUsable::Others(..) | NotUsable::Fault(_) => {
            Stop::new(Exit::Failed, output::printable(&why.to_string()))
        }
    })
}

async fn finish(
    config: &Config,
    installation: &Installation,
    tenant: TenantId,
    name: String,
    protocol: Protocol,
    output: Json,
) -> Outcome {
    let (id, created) = (RecordId([0; 16]), Timestamp::default());
    let provisioning = Provisioning::default();
    let new =
        Connection { id, tenant, name, enabled: true, protocol, rules: Vec::new(), provisioning, created, ended: None };
    let added =
        installation.administration().add_connection(&installation.by_operator(), new).await.map_err(not_changed)?;
    if output.json {
        return output::json(&show::value(config, &added));
    }
    output::line(format_args!("connection {} added: {}", added.name, added.id))?;
    output::line("")?;
    output::table(&show::addresses(config, &added))?;
    output::note("");
    output::note("it admits nobody yet: `sealgate connection rule add` says whom, as what");
    Ok(())
}
