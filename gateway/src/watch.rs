//! Keeps the directory up to date: what a command changes is in force within a second.

use crate::installation::Installation;
use domain::administration::{Administration, NotChanged};
use domain::directory::{Bounded, Connection, Directory, Level};
use domain::id::{RecordId, TenantId};
use domain::kind::Kind;
use domain::ports::Store;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether the directory changed.
pub const INTERVAL: Duration = Duration::from_millis(500);

const KINDS: &[Kind] = &[
    Kind::Tenant,
    Kind::Clinic,
    Kind::Interface,
    Kind::ApiClient,
    Kind::Connection,
    Kind::Account,
    Kind::Application,
    Kind::ProvisionedPerson,
    Kind::ProvisionedGroup,
];

/// Loads the directory and goes on loading it whenever it changes, until `stop`.
///
/// # Errors
/// As for [`Installation::directory`], for the first loading; later ones are logged and tried again.
pub async fn directory(
    installation: &Installation,
    stop: CancellationToken,
) -> crate::exit::Outcome<watch::Receiver<Arc<Directory>>> {
    // The mark is read before the entries: a change in between is then seen next time, not missed.
    let mark = installation.store.mark(TenantId::SYSTEM, KINDS).await.ok();
    let directory = installation.directory().await?;
    let mut said = Said::new();
    say_what_fills_up(&directory, &mut said);
    let (sender, receiver) = watch::channel(Arc::new(directory));
    let (store, administration) = (Arc::clone(&installation.store), installation.administration());
    tokio::spawn(async move { stop.run_until_cancelled(follow(store, administration, mark, said, sender)).await });
    Ok(receiver)
}

/// What the log has said of connections that fill up.
type Said = BTreeSet<(RecordId, Bounded, Level)>;

/// Says which connections were told of nearly as much as they take, or of all of it; once, until that changes.
fn say_what_fills_up(directory: &Directory, said: &mut Said) {
    let of = |connection: &Connection| {
        let id = connection.id;
        Bounded::ALL.iter().map(move |what| (id, *what, what.level(directory.held(id, *what))))
    };
    let found: Said = directory.connections().flat_map(of).filter(|(_, _, level)| *level != Level::Room).collect();
    for (connection, what, level) in found.difference(said) {
        let (held, most, what) = (directory.held(*connection, *what), what.most(), what.name());
        match level {
            Level::Full => {
                tracing::error!(%connection, what, held, most, "a connection was told of as much as it takes")
            }
            Level::NearlyFull | Level::Room => {
                tracing::warn!(%connection, what, held, most, "a connection was told of nearly as much as it takes");
            }
        }
    }
    *said = found;
}

async fn follow(
    store: Arc<dyn Store>,
    administration: Administration,
    mut mark: Option<u64>,
    mut said: Said,
    sender: watch::Sender<Arc<Directory>>,
) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Ok(now) = store.mark(TenantId::SYSTEM, KINDS).await else { continue };
        if mark == Some(now) {
            continue;
        }
        match administration.load_directory().await {
            Ok(directory) => {
                mark = Some(now);
                tracing::info!("directory reloaded");
                say_what_fills_up(&directory, &mut said);
                sender.send_replace(Arc::new(directory));
            }
            Err(NotChanged::Broken(found)) => tracing::error!(
                diagnosis = found.to_json(),
                "the directory is not what the system chain says; the one before stays in force"
            ),
            Err(_) => tracing::error!("the directory changed and cannot be loaded; the one before stays in force"),
        }
    }
}
