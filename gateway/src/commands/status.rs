//! `sealgate status`: how the installation is, without looking into any record.

use crate::break_glass::emergency;
use crate::cli::Json;
use crate::commands::find;
use crate::commands::key::kind_name;
use crate::config::Config;
use crate::endings::{self, Ending};
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, not_in_custody, open_anchors};
use crate::output::{self, printable};
use domain::audit::{ChainHead, ChainId};
use domain::directory::{Bounded, Connection, Directory, Level};
use domain::emergency::Counts;
use domain::id::TenantId;
use domain::ports::Unavailable;
use domain::time::Timestamp;
use keys::custody::Custody;
use serde_json::{Value, json};
use std::path::Path;

/// Prints how the installation is.
///
/// # Errors
/// The first part that cannot be had, with its exit code; `--json` says it on standard output too.
pub async fn run(config: &Config, config_file: &Path, print: Json) -> Outcome {
    let status = match gather(config).await {
        Ok(status) => status,
        Err(stop) if print.json => {
            output::json(&json!({ "well": false, "fault": stop.line, "exit_code": stop.exit.number() }))?;
            return Err(stop);
        }
        Err(stop) => return Err(stop),
    };
    let file = std::path::absolute(config_file).unwrap_or_else(|_| config_file.to_owned());
    if print.json { as_json(config, &file, &status) } else { as_text(config, &file, &status) }
}

struct Status {
    directory: Directory,
    slots: Vec<&'static str>,
    chains: Vec<Chain>,
    keys: Vec<Generation>,
    reviews: Vec<Reviews>,
    /// The moment at which all of it was so.
    now: Timestamp,
}

/// Reviews of emergency access that wait in a tenant.
struct Reviews {
    name: String,
    tenant: TenantId,
    counts: Counts,
}

struct Chain {
    name: String,
    id: ChainId,
    head: ChainHead,
    /// How many entries the anchor is behind; it may be, and never ahead: opening the installation has found that out.
    behind: u64,
}

struct Generation {
    name: String,
    tenant: TenantId,
    newest: u32,
    /// Whether data keys are still wrapped under an older generation.
    unfinished: bool,
}

async fn gather(config: &Config) -> Outcome<Status> {
    let installation = Installation::open(config).await?;
    let gathered = look(config, &installation).await;
    installation.close().await;
    gathered
}

async fn look(config: &Config, installation: &Installation) -> Outcome<Status> {
    let directory = installation.directory().await?;
    let slots = Custody::read(&config.custody.slots_file).map_err(not_in_custody)?.slots;
    // Anchors before heads: what is added in between makes an anchor late, never ahead.
    let anchors = open_anchors(config, &installation.roots)?.all();
    let silent = |Unavailable| Stop::new(Exit::Unavailable, "the database does not answer");
    let chains = installation.store.heads().await.map_err(silent)?.into_iter().map(|(id, head)| {
        let anchored = anchors.iter().find(|anchor| anchor.chain == id).map_or(0, |anchor| anchor.length);
        Chain { name: name(&directory, id.tenant()), id, head, behind: head.length.saturating_sub(anchored) }
    });
    let chains = chains.collect();
    let mut keys = Vec::new();
    for tenant in std::iter::once(TenantId::SYSTEM).chain(directory.tenants().map(|tenant| tenant.id)) {
        let generations = installation.store.tenant_keys(tenant).await.map_err(silent)?;
        let newest = generations.iter().map(|key| key.generation).max().unwrap_or_default();
        let older = installation.store.data_keys_below(tenant, newest, 1).await.map_err(silent)?;
        keys.push(Generation { name: name(&directory, tenant), tenant, newest, unfinished: !older.is_empty() });
    }
    let mut reviews = Vec::new();
    for tenant in directory.tenants() {
        let hours = tenant.settings.break_glass_review_hours;
        let counts = emergency(installation).counts(tenant.id, hours).await.map_err(silent)?;
        reviews.push(Reviews { name: tenant.name.clone(), tenant: tenant.id, counts });
    }
    let now = installation.clock.now();
    Ok(Status { now, reviews, directory, slots: slots.iter().map(|slot| kind_name(slot.kind)).collect(), chains, keys })
}

fn name(directory: &Directory, tenant: TenantId) -> String {
    if tenant == TenantId::SYSTEM { "system".to_owned() } else { find::tenant_name(directory, tenant) }
}

fn database(config: &Config) -> (&'static str, String) {
    match (&config.database.sqlite_file, &config.database.postgres_url_file) {
        (Some(file), _) => ("sqlite", file.display().to_string()),
        (None, Some(file)) => ("postgresql", format!("URL in {}", file.display())),
        (None, None) => ("none", String::new()),
    }
}

fn opened_by(config: &Config) -> String {
    let custody = &config.custody;
    match (&custody.passphrase_file, custody.passphrase_descriptor, &custody.credential_file) {
        (Some(file), _, _) => format!("passphrase in {}", file.display()),
        (None, Some(descriptor), _) => format!("passphrase from descriptor {descriptor}"),
        (None, None, Some(file)) => format!("credential file {}", file.display()),
        (None, None, None) => "nothing".to_owned(),
    }
}

fn as_text(config: &Config, file: &Path, status: &Status) -> Outcome {
    let (kind, place) = database(config);
    let directory = &status.directory;
    let rows = [
        ("sealgate", env!("CARGO_PKG_VERSION").to_owned()),
        ("configuration", file.display().to_string()),
        ("database", format!("{kind}, {place}: answers, schema up to date")),
        ("root", format!("opens by the {}; slots: {}", opened_by(config), status.slots.join(", "))),
        ("anchors", config.audit.anchor_file.display().to_string()),
        (
            "directory",
            format!(
                "{} tenants, {} clinics, {} interfaces, {} clients",
                directory.tenants().count(),
                directory.clinics().count(),
                directory.interfaces().count(),
                directory.clients().count()
            ),
        ),
    ];
    output::table(&rows.map(|(name, value)| vec![name.to_owned(), value]))?;
    output::line("")?;
    let mut rows = vec![["CHAIN", "ENTRIES", "LAST ENTRY", "ANCHOR"].map(str::to_owned).to_vec()];
    for chain in &status.chains {
        let anchored = match chain.behind {
            0 => "at its head".to_owned(),
            entries => format!("{entries} entries behind"),
        };
        let entries = chain.head.length.to_string();
        rows.push(vec![chain.name.clone(), entries, chain.head.time.rfc3339(), anchored]);
    }
    output::table(&rows)?;
    output::line("")?;
    let mut rows = vec![["KEY OF", "GENERATION", ""].map(str::to_owned).to_vec()];
    for key in &status.keys {
        let unfinished = if key.unfinished { "data keys of an older generation are left" } else { "" };
        rows.push(vec![key.name.clone(), key.newest.to_string(), unfinished.to_owned()]);
    }
    output::table(&rows)?;
    let endings = endings::near(&status.directory, status.now);
    if !endings.is_empty() {
        output::line("")?;
        let mut rows = vec![["CERTIFICATE OF", "TENANT", "KEY", "ENDS"].map(str::to_owned).to_vec()];
        for Ending { connection, key, ends } in &endings {
            let over = if *ends <= status.now { ": OVER" } else { ": SOON" };
            let tenant = find::tenant_name(&status.directory, connection.tenant);
            rows.push(vec![connection.name.clone(), tenant, key.id.clone(), format!("{}{over}", ends.rfc3339())]);
        }
        output::table(&rows)?;
        output::note("make another key before: `sealgate connection key make`, tell the provider, `key use`");
    }
    let mut rows = vec![["PROVISIONING BY", "", "HELD", "AT MOST", ""].map(str::to_owned).to_vec()];
    for (connection, what, held) in provisioned(directory) {
        let room = match what.level(held) {
            Level::Room => "",
            Level::NearlyFull => "NEARLY FULL",
            Level::Full => "FULL",
        };
        let (name, what, most) = (printable(&connection.name), what.name().replace('-', " "), what.most().to_string());
        rows.push(vec![name, what, held.to_string(), most, room.to_owned()]);
    }
    if rows.len() > 1 {
        output::line("")?;
        output::table(&rows)?;
    }
    if status.reviews.iter().all(|reviews| reviews.counts.open == 0) {
        return Ok(());
    }
    output::line("")?;
    let mut rows = vec![["EMERGENCY ACCESS OF", "TO REVIEW", "OVERDUE"].map(str::to_owned).to_vec()];
    for reviews in &status.reviews {
        let Counts { open, overdue } = reviews.counts;
        rows.push(vec![reviews.name.clone(), open.to_string(), overdue.to_string()]);
    }
    output::table(&rows)
}

/// Returns what providers told of, as far as it has an end.
fn provisioned(directory: &Directory) -> Vec<(&Connection, Bounded, usize)> {
    let of = |connection| Bounded::ALL.iter().map(move |what| (connection, *what));
    let held = |(connection, what): (&'_ Connection, Bounded)| directory.held(connection.id, what);
    let all = directory.connections().flat_map(of);
    all.filter(|one| held(*one) > 0).map(|(connection, what)| (connection, what, held((connection, what)))).collect()
}

fn as_json(config: &Config, file: &Path, status: &Status) -> Outcome {
    let (kind, place) = database(config);
    let directory = &status.directory;
    let chains = status.chains.iter().map(|chain| {
        json!({ "chain": chain.id.to_string(), "name": chain.name, "entries": chain.head.length,
                "last_entry": chain.head.time.rfc3339(), "anchor_behind": chain.behind })
    });
    let keys = status.keys.iter().map(|key| {
        json!({ "tenant": key.tenant.to_string(), "name": key.name, "generation": key.newest, "rotation_unfinished": key.unfinished })
    });
    let provisioned = provisioned(directory).into_iter().map(|(connection, what, held)| {
        json!({ "connection": connection.id.to_string(), "name": connection.name, "what": what.name(), "held": held,
                "most": what.most(), "nearly_full": what.level(held) != Level::Room })
    });
    let reviews = status.reviews.iter().map(|reviews| {
        json!({ "tenant": reviews.tenant.to_string(), "name": reviews.name, "open": reviews.counts.open,
                "overdue": reviews.counts.overdue })
    });
    let endings = endings::near(directory, status.now);
    let endings = endings.iter().map(|Ending { connection, key, ends }| {
        json!({ "connection": connection.id.to_string(), "name": connection.name,
                "tenant": connection.tenant.to_string(), "key": key.id, "ends": ends.rfc3339(), "ended": *ends <= status.now })
    });
    output::json(&json!({
        "well": true,
        "version": env!("CARGO_PKG_VERSION"),
        "configuration": file.display().to_string(),
        "database": { "kind": kind, "place": place, "reachable": true, "schema": "up to date" },
        "root": { "opened_by": opened_by(config), "slots": status.slots },
        "anchor_file": config.audit.anchor_file.display().to_string(),
        "directory": {
            "tenants": directory.tenants().count(),
            "clinics": directory.clinics().count(),
            "interfaces": directory.interfaces().count(),
            "clients": directory.clients().count(),
        },
        "chains": chains.collect::<Vec<Value>>(),
        "keys": keys.collect::<Vec<Value>>(),
        "provisioning": provisioned.collect::<Vec<Value>>(),
        "reviews": reviews.collect::<Vec<Value>>(),
        "certificates_ending": endings.collect::<Vec<Value>>(),
    }))
}
