//! `sealgate application …`: the programs that read over FHIR by SMART.

use super::directory::state;
use super::{files, find, not_changed};
use crate::cli::{self, BackendAdd, Json, LaunchAdd, NamedApplication};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::access::{Level, Scope};
use domain::directory::{Application, ApplicationSecret, ApplicationUse, MAX_JWKS_BYTES};
use domain::id::RecordId;
use domain::time::Timestamp;
use serde_json::json;
use std::path::Path;

/// Runs `sealgate application …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn run(config: &Config, command: cli::Application) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        cli::Application::AddBackend(add) => add_backend(&installation, add).await,
        cli::Application::AddLaunch(add) => add_launch(&installation, add).await,
        cli::Application::List { tenant, output } => list(&installation, tenant.as_deref(), output).await,
        cli::Application::Disable(application) => set_enabled(&installation, &application, false).await,
        cli::Application::Enable(application) => set_enabled(&installation, &application, true).await,
    };
    installation.close().await;
    done
}

async fn add_backend(installation: &Installation, add: BackendAdd) -> Outcome {
    add.scopes.iter().try_for_each(|scope| check_scope(scope, &[Level::System], &[]))?;
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, &add.tenant)?;
    let roles = find::roles(&add.roles)?;
    let clinics = find::clinics(&directory, tenant, &add.clinics)?;
    let new = Application {
        id: RecordId([0; 16]),
        tenant,
        name: add.name,
        r#use: ApplicationUse::Backend { roles, clinics, purpose: add.purpose.into() },
        jwks: add.jwks_file.as_deref().map(keys).transpose()?,
        jwks_uri: add.jwks_url,
        secret_hash: None,
        scopes: add.scopes,
        enabled: true,
        created: Timestamp::default(),
        ended: None,
    };
    finish(installation, new, None, add.output).await
}

async fn add_launch(installation: &Installation, add: LaunchAdd) -> Outcome {
    add.scopes.iter().try_for_each(|scope| check_scope(scope, &[Level::Patient, Level::User], LAUNCH_SCOPES))?;
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, &add.tenant)?;
    let jwks = add.jwks_file.as_deref().map(keys).transpose()?;
    let keyless = jwks.is_none() && add.jwks_url.is_none();
    let secret = if add.confidential && keyless {
        let secret = ApplicationSecret::generate(installation.entropy.as_ref());
        Some(secret.map_err(|_| Stop::new(Exit::Failed, "the operating system gives no randomness"))?)
    } else {
        None
    };
    let new = Application {
        id: RecordId([0; 16]),
        tenant,
        name: add.name,
        r#use: ApplicationUse::Launch {
            redirect_uris: add.redirect_uris,
            launch_uri: add.launch_uri,
            confidential: add.confidential,
        },
        jwks,
        jwks_uri: add.jwks_url,
        secret_hash: secret.as_ref().map(ApplicationSecret::hash),
        scopes: add.scopes,
        enabled: true,
        created: Timestamp::default(),
        ended: None,
    };
    finish(installation, new, secret, add.output).await
}

async fn finish(
    installation: &Installation,
    new: Application,
    secret: Option<ApplicationSecret>,
    output: Json,
) -> Outcome {
    let by = installation.by_operator();
    let added = installation.administration().add_application(&by, new).await.map_err(not_changed)?;
    if output.json {
        let mut value = json!({ "client_id": added.id.to_string(), "name": added.name,
                                "tenant": added.tenant.to_string() });
        if let (Some(secret), Some(value)) = (&secret, value.as_object_mut()) {
            value.insert("client_secret".to_owned(), json!(secret.expose()));
        }
        return output::json(&value);
    }
    output::note(format_args!("application {} added; its client id:", added.name));
    output::line(added.id)?;
    let Some(secret) = secret else { return Ok(()) };
    output::note("its secret follows; it is shown this once, only its hash is kept:");
    output::line(secret.expose())
}

/// Refuses a scope that could never be granted, with the nearest that could.
fn check_scope(text: &str, levels: &[Level], plain: &[&str]) -> Outcome {
    if plain.contains(&text) {
        return Ok(());
    }
    let text_shown = output::printable(text);
    match text.parse::<Scope>() {
        Ok(scope) if levels.contains(&scope.level()) => Ok(()),
        Ok(_) => {
            let levels = levels.iter().map(|level| level.name()).collect::<Vec<_>>().join(" or ");
            let line =
                format!("the scope `{text_shown}` is not for this kind of application: it must begin with {levels}");
            Err(Stop::new(Exit::Usage, line))
        }
        Err(why) => {
            let hint = find::hint(text, plain.iter().copied());
            Err(Stop::new(Exit::Usage, format!("`{text_shown}` is no scope{hint}: {why}")))
        }
    }
}

fn keys(path: &Path) -> Outcome<String> {
    files::text(path, MAX_JWKS_BYTES)
}

async fn list(installation: &Installation, tenant: Option<&str>, output: Json) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = tenant.map(|name| find::tenant(&directory, name)).transpose()?;
    let ours = |application: &&Application| tenant.is_none_or(|tenant| application.tenant == tenant);
    if output.json {
        let values = directory.applications().filter(ours).map(|application| {
            json!({ "client_id": application.id.to_string(), "name": application.name,
                    "tenant": application.tenant.to_string(), "use": application.r#use, "scopes": application.scopes,
                    "authentication": authentication(application), "jwks_uri": application.jwks_uri,
                    "enabled": application.enabled, "created": application.created.rfc3339() })
        });
        return output::json(&values.collect());
    }
    let heading = ["APPLICATION", "TENANT", "USE", "AUTHENTICATES BY", "SCOPES", "STATE", "CLIENT ID"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for application in directory.applications().filter(ours) {
        let kind = match &application.r#use {
            ApplicationUse::Backend { roles, .. } => format!("back end, {}", find::names_of(*roles)),
            ApplicationUse::Launch { .. } => "launched".to_owned(),
        };
        rows.push(vec![
            application.name.clone(),
            find::tenant_name(&directory, application.tenant),
            kind,
            authentication(application).to_owned(),
            application.scopes.join(" "),
            state(application.enabled),
            application.id.to_string(),
        ]);
    }
    output::table(&rows)
}

fn authentication(application: &Application) -> &'static str {
    match (&application.jwks, &application.jwks_uri, &application.secret_hash) {
        (Some(_), _, _) => "keys",
        (None, Some(_), _) => "keys at its address",
        (None, None, Some(_)) => "secret",
        (None, None, None) => "nothing (public)",
    }
}

async fn set_enabled(installation: &Installation, named: &NamedApplication, enabled: bool) -> Outcome {
    let directory = installation.directory().await?;
    let id = find::application(&directory, &named.application, named.tenant.as_deref())?.id;
    let by = installation.by_operator();
    let write = |application: &mut Application| application.enabled = enabled;
    let changed = installation.administration().change_application(&by, id, write).await.map_err(not_changed)?;
    let what = if enabled { "enabled" } else { "disabled: its tokens are refused within a second" };
    output::line(format_args!("application {} {what}", changed.name))
}

/// Scopes of an application that is launched which are about the launch and the person, not about records
/// (SMART App Launch 2.2 §"Scopes and Launch Context").
const LAUNCH_SCOPES: &[&str] = &[
    "openid",
    "fhirUser",
    "profile",
    "launch",
    "launch/patient",
    "launch/encounter",
    "offline_access",
    "online_access",
];
