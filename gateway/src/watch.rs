//! Keeps the directory up to date: what a command changes is in force within a second.

use crate::installation::Installation;
use domain::administration::{Administration, NotChanged};
use domain::directory::{Bounded, Connection, Directory, Level};
use domain::id::{RecordId, TenantId};
use domain::kind::Kind;
use domain::ports::Store;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether the directory changed.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// For how long people and applications are admitted by a directory that may no longer be what is stored.
pub const UNCONFIRMED_AFTER: Duration = Duration::from_secs(60);

/// How often the log says that it cannot be loaded.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

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
/// As for [`Installation::directory`], for the first loading; later ones are logged and tried again, see [`UNCONFIRMED_AFTER`].
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
    let following = Following { store, administration, mark, said, sender };
    tokio::spawn(async move { stop.run_until_cancelled(follow(following)).await });
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

/// What goes on with the directory.
struct Following {
    store: Arc<dyn Store>,
    administration: Administration,
    /// The mark of the directory in force.
    mark: Option<u64>,
    said: Said,
    sender: watch::Sender<Arc<Directory>>,
}

/// Looks for changes. Where that comes to nothing for [`UNCONFIRMED_AFTER`], nobody is admitted by the directory in force until it is
/// known again to be what is stored.
async fn follow(mut following: Following) {
    let mut confirmed = Instant::now();
    let mut told: Option<Instant> = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let sender = following.sender.clone();
        let too_late = tokio::time::sleep(UNCONFIRMED_AFTER.saturating_sub(confirmed.elapsed()));
        let fault = {
            let mut look = pin!(following.look());
            tokio::select! {
                biased;
                looked = &mut look => looked,
                // It may take as long as it takes; meanwhile nobody knows who may still come.
                () = too_late => {
                    sender.borrow().confirm(false);
                    tell(&mut told, None, confirmed);
                    look.await
                }
            }
        };
        match fault {
            Ok(()) => {
                confirmed = Instant::now();
                sender.borrow().confirm(true);
                if told.take().is_some() {
                    tracing::info!("the directory is what is stored again");
                }
            }
            Err(fault) => {
                if confirmed.elapsed() >= UNCONFIRMED_AFTER {
                    sender.borrow().confirm(false);
                }
                tell(&mut told, Some(fault), confirmed);
            }
        }
    }
}

impl Following {
    /// Loads the directory if it was changed.
    async fn look(&mut self) -> Result<(), NotChanged> {
        let now = self.store.mark(TenantId::SYSTEM, KINDS).await?;
        if self.mark == Some(now) {
            return Ok(());
        }
        let directory = self.administration.load_directory().await?;
        self.mark = Some(now);
        tracing::info!("directory reloaded");
        say_what_fills_up(&directory, &mut self.said);
        self.sender.send_replace(Arc::new(directory));
        Ok(())
    }
}

/// Tells the log that the directory cannot be loaded: at first, and then every [`TOLD_AGAIN`].
fn tell(told: &mut Option<Instant>, fault: Option<NotChanged>, confirmed: Instant) {
    if told.is_some_and(|told| told.elapsed() < TOLD_AGAIN) {
        return;
    }
    *told = Some(Instant::now());
    let (seconds, admitted) = (confirmed.elapsed().as_secs(), confirmed.elapsed() < UNCONFIRMED_AFTER);
    match fault {
        Some(NotChanged::Broken(found)) => tracing::error!(
            diagnosis = found.to_json(),
            seconds,
            admitted,
            "the directory is not what the system chain says; the one before stays in force"
        ),
        Some(fault) => {
            tracing::error!(%fault, seconds, admitted, "the directory cannot be loaded; the one before stays in force");
        }
        None => {
            tracing::error!(seconds, admitted, "the directory is still being loaded; the one before stays in force")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::{Context, Role, Roles, Subject};
    use domain::administration::By;
    use domain::double::Installation;
    use domain::id::CorrelationId;
    use domain::journal::Actor;

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_cannot_be_loaded_admits_nobody_after_a_minute_and_everybody_once_it_can() {
        let doubles = Installation::new(5).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let directory = administration.load_directory().await.unwrap();
        let (sender, receiver) = watch::channel(Arc::new(directory));
        let mark = doubles.store.mark(TenantId::SYSTEM, KINDS).await.ok();
        let store: Arc<dyn Store> = doubles.store.clone();
        let following = Following { store, administration: doubles.administration(), mark, said: Said::new(), sender };
        tokio::spawn(follow(following));
        let after = |seconds| async move { tokio::time::sleep(Duration::from_secs(seconds)).await };
        let confirmed = || receiver.borrow().is_confirmed();

        after(600).await;
        assert!(confirmed(), "nothing was changed");
        // The database does not answer.
        doubles.store.set_unavailable(true);
        after(55).await;
        assert!(confirmed(), "it may be back any moment");
        after(10).await;
        assert!(!confirmed());
        doubles.store.set_unavailable(false);
        after(2).await;
        assert!(confirmed());

        // It was changed, and an entry is gone that the chain tells of.
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(domain::time::Timestamp(0)) };
        let tenant = administration.add_tenant(&by, "North").await.unwrap().id;
        after(2).await;
        assert!(receiver.borrow().tenant(tenant).is_some());
        let clinic = administration.add_clinic(&by, tenant, "West").await.unwrap();
        doubles.store.delete(TenantId::SYSTEM, RecordId(clinic.id.0));
        after(55).await;
        assert!(confirmed());
        after(10).await;
        assert!(!confirmed() && receiver.borrow().tenant(tenant).is_some(), "results still find their way");
    }
}
