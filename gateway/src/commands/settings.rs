//! `sealgate tenant settings`: what a tenant decides about the people who sign in.

use super::{find, not_changed};
use crate::cli::{self, TenantSettings};
use crate::exit::Outcome;
use crate::installation::Installation;
use crate::output;
use domain::directory::{self, SecondFactor, Tenant};
use serde_json::json;

/// Changes what is given, and shows what is in force.
///
/// # Errors
/// [`Stop`](crate::exit::Stop) with what was wrong and what to do.
pub(super) async fn run(installation: &Installation, given: TenantSettings) -> Outcome {
    let directory = installation.directory().await?;
    let id = find::tenant(&directory, &given.tenant)?;
    let output = given.output;
    let before = directory.settings(id).cloned().unwrap_or_default();
    let mut after = before.clone();
    apply(given, &mut after);
    let tenant = if after == before {
        directory.tenant(id).cloned().ok_or_else(|| not_changed(domain::administration::NotChanged::UnknownTenant))?
    } else {
        let shut = after.addresses != before.addresses && !after.addresses.is_empty();
        let by = installation.by_operator();
        let change = |settings: &mut directory::TenantSettings| *settings = after;
        let changed = installation.administration().change_settings(&by, id, change).await.map_err(not_changed)?;
        output::note("in force within a second");
        if shut {
            // Nobody locks themselves out: commands at this console work on the database and are asked for no address.
            output::note(format_args!(
                "this console is asked for no address: `sealgate tenant settings {} --any-address` opens it again",
                given_name(&changed)
            ));
        }
        changed
    };
    show(&tenant, output)
}

/// Returns the name as it is typed in a shell.
fn given_name(tenant: &Tenant) -> String {
    if tenant.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        tenant.name.clone()
    } else {
        tenant.id.to_string()
    }
}

fn apply(given: TenantSettings, settings: &mut directory::TenantSettings) {
    if let Some(minutes) = given.idle_minutes {
        settings.sessions.idle_seconds = minutes.saturating_mul(60);
    }
    if let Some(minutes) = given.absolute_minutes {
        settings.sessions.absolute_seconds = minutes.saturating_mul(60);
    }
    if let Some(concurrent) = given.concurrent {
        settings.sessions.concurrent = concurrent;
    }
    if let Some(hours) = given.break_glass_review_hours {
        settings.break_glass_review_hours = hours;
    }
    if given.any_address || !given.addresses.is_empty() {
        settings.addresses = given.addresses;
    }
    if let Some(second_factor) = given.second_factor {
        settings.second_factor = match second_factor {
            cli::SecondFactor::Required => SecondFactor::Required,
            cli::SecondFactor::RelaxedForStaff => SecondFactor::RelaxedForStaff,
        };
    }
}

fn show(tenant: &Tenant, output: cli::Json) -> Outcome {
    let settings = &tenant.settings;
    if output.json {
        // When the second factor was last changed is no setting.
        let settings = directory::TenantSettings { second_factor_changed: None, ..settings.clone() };
        return output::json(&json!({ "id": tenant.id.to_string(), "name": tenant.name, "settings": settings }));
    }
    let minutes = |seconds: i64| format!("{} min", seconds.div_euclid(60));
    let addresses = if settings.addresses.is_empty() { "any".to_owned() } else { settings.addresses.join(" ") };
    let second_factor = match settings.second_factor {
        SecondFactor::Required => "required",
        SecondFactor::RelaxedForStaff => "relaxed for staff: not asked of who is provider or staff and nothing else",
    };
    let rows = [
        ("tenant", tenant.name.clone()),
        ("session unused", minutes(settings.sessions.idle_seconds)),
        ("session in all", minutes(settings.sessions.absolute_seconds)),
        ("sessions a person", settings.sessions.concurrent.to_string()),
        ("addresses", addresses),
        ("second factor", second_factor.to_owned()),
        ("emergency access", format!("is reviewed within {} h", settings.break_glass_review_hours)),
    ];
    output::table(&rows.map(|(name, value)| vec![name.to_owned(), value]))
}
