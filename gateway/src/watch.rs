//! Keeps the directory up to date: what a command changes is in force within a second.

use crate::installation::Installation;
use domain::administration::{Administration, NotChanged};
use domain::directory::Directory;
use domain::id::TenantId;
use domain::kind::Kind;
use domain::ports::Store;
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
    let (sender, receiver) = watch::channel(Arc::new(installation.directory().await?));
    let (store, administration) = (Arc::clone(&installation.store), installation.administration());
    tokio::spawn(async move { stop.run_until_cancelled(follow(store, administration, mark, sender)).await });
    Ok(receiver)
}

async fn follow(
    store: Arc<dyn Store>,
    administration: Administration,
    mut mark: Option<u64>,
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
