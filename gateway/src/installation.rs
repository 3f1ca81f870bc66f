//! An installation that is open: its roots, its database, its ledger. Every command but `send` starts here.

use crate::chains::{Chains, NotVerified, Report};
use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::exit::{Exit, Outcome, Stop};
use crate::output;
use crate::trail::not_recorded;
use crate::witness::SystemChain;
use domain::access::{self, Role, Roles, Subject};
use domain::administration::{Administration, By};
use domain::audit::{Anchor, AnchorKey, Break, BreakKind, ChainId, Context, NotRead};
use domain::directory::Directory;
use domain::id::{CorrelationId, TenantId};
use domain::journal::{Act, Actor, Journal};
use domain::keys::Roots;
use domain::keys::slot::SlotKind;
use domain::kind::Kind;
use domain::ports::{Clock, Entropy, Store, Tickets, Witness};
use domain::refusals::{RefusalLimits, Refusals};
use domain::ticket::{TicketBook, TicketKeys};
use keys::custody::{Custody, CustodyFault, delay_before_attempt};
use keys::entropy::SystemEntropy;
use keys::file::{read_credential_file, read_secret_descriptor, read_secret_file};
use keys::vault::Vault;
use std::path::Path;
use std::sync::Arc;
use store::{AnchorFile, Database, OpenError, Recorder};

/// The name of this console in audit entries.
pub(crate) const CONSOLE: &str = "console";
/// What is said of an anchor in doubt.
const DOUBT: &str = "the newest anchor is not genuine: torn by a power cut, or altered";
/// The address of whoever sits at the machine itself, in contexts of entries.
pub(crate) const LOCAL: &str = "local";

/// An open installation.
pub struct Installation {
    /// Its roots.
    pub roots: Arc<Roots>,
    /// Its database.
    pub database: Database,
    /// The port over the database.
    pub store: Arc<dyn Store>,
    /// The port over the database for what is short-lived: sign-ins, sessions, tokens.
    pub tickets: Arc<dyn Tickets>,
    /// The ledger of this process.
    pub recorder: Arc<Recorder>,
    /// Its keys.
    pub vault: Arc<Vault>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// The machine's randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What records and bounds refusals, for every part of this process.
    pub refusals: Arc<Refusals>,
    witness: Arc<SystemChain>,
    operator: Subject,
    correlation: CorrelationId,
}

impl Installation {
    /// Opens an installation for a command: of its chains only the ends are held against the anchors.
    ///
    /// # Errors
    /// [`Exit::WrongSecret`], [`Exit::Missing`], [`Exit::Unavailable`], [`Exit::BrokenChain`].
    pub async fn open(config: &Config) -> Outcome<Self> {
        let roots = open_roots(&config.custody).await?;
        Self::open_with(config, roots).await
    }

    /// Does the same with roots that were opened in another way than the configured one.
    ///
    /// # Errors
    /// As for [`Installation::open`].
    pub async fn open_with(config: &Config, roots: Roots) -> Outcome<Self> {
        let database = open_database(&config.database).await?;
        let anchors = open_anchors(config, &roots)?;
        let store = database.store();
        Chains { store: &store, audit_root: &roots.audit, anchors: Some(anchors.all()) }.tips().await?;
        Self::with(roots, database, anchors).await
    }

    /// Opens an installation to serve: its chains are verified before anything else happens.
    ///
    /// # Errors
    /// As for [`Installation::open`], and [`Exit::BrokenChain`].
    pub async fn open_verified(config: &Config) -> Outcome<(Self, Report)> {
        let roots = open_roots(&config.custody).await?;
        let database = open_database(&config.database).await?;
        let store = database.store();
        let anchors = open_anchors(config, &roots)?;
        let chains = Chains { store: &store, audit_root: &roots.audit, anchors: Some(anchors.all()) };
        let report = chains.verify(config.audit.verify_all_up_to_entries).await?;
        let installation = Self::with(roots, database, anchors).await?;
        match installation.every_tenant_has_its_chain().await {
            Ok(()) => Ok((installation, report)),
            Err(stop) => {
                installation.close().await;
                Err(stop)
            }
        }
    }

    /// Joins what was opened and starts the ledger.
    ///
    /// # Errors
    /// [`Exit::Unavailable`], [`Exit::BrokenChain`].
    pub async fn with(roots: Roots, database: Database, anchors: AnchorFile) -> Outcome<Self> {
        let roots = Arc::new(roots);
        let doubtful: Vec<Anchor> = anchors.all().into_iter().filter(|anchor| anchor.in_doubt).collect();
        for anchor in &doubtful {
            // Said before the recorder writes the anchor again.
            tracing::error!(chain = %anchor.chain, entries = anchor.length, "{DOUBT}");
            output::note(format_args!("chain {}, known up to entry {}: {DOUBT}", anchor.chain, anchor.length));
        }
        let (store, tickets) = (database.store(), database.tickets());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let recorder =
            Recorder::start(Arc::clone(&store), &roots.audit, Some(anchors)).await.map_err(NotVerified::from)?;
        let vault =
            Arc::new(Vault::new(Arc::clone(&store), Arc::clone(&roots), Arc::clone(&clock), Arc::clone(&entropy)));
        let no_randomness = |_| Stop::new(Exit::Failed, "the operating system gives no randomness");
        let limits = RefusalLimits::default();
        let refusals = Refusals::new(limits, recorder.clone(), vault.clone(), Arc::clone(&clock), Arc::clone(&entropy));
        let refusals = Arc::new(refusals.map_err(no_randomness)?);
        let mut correlation = [0; 16];
        entropy.fill(&mut correlation).map_err(no_randomness)?;
        let correlation = CorrelationId::from_random(correlation);
        let operator = Subject::console(&account(), TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let witness = Arc::new(SystemChain::new(Arc::clone(&store), &roots.audit));
        let installation = Self {
            roots,
            database,
            store,
            tickets,
            recorder,
            vault,
            clock,
            entropy,
            refusals,
            witness,
            operator,
            correlation,
        };
        for anchor in &doubtful {
            installation.record_doubt(anchor).await?;
        }
        Ok(installation)
    }

    /// Puts into the system chain that the newest anchor of a chain was not genuine.
    async fn record_doubt(&self, anchor: &Anchor) -> Outcome {
        let journal = Journal {
            ledger: self.recorder.as_ref(),
            vault: self.vault.as_ref(),
            clock: self.clock.as_ref(),
            entropy: self.entropy.as_ref(),
        };
        let act = Act::failed("IntegrityFailure", "AnchorFile", &anchor.chain.to_string());
        let reason = Some(format!("{DOUBT}; known up to entry {}", anchor.length));
        let context = Context { reason, ..Context::default() };
        journal.record(&self.actor(&self.operator), act, &context).await.map_err(not_recorded)?;
        Ok(())
    }

    /// Returns the use case that changes the directory and rotates keys.
    #[must_use]
    pub fn administration(&self) -> Administration {
        Administration {
            store: Arc::clone(&self.store),
            ledger: self.recorder.clone(),
            vault: self.vault.clone(),
            witness: self.witness.clone(),
            maker: self.vault.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
        }
    }

    /// Returns the use of the database for what is short-lived: sealed, and found by secrets that are stored nowhere.
    #[must_use]
    pub fn book(&self) -> TicketBook {
        TicketBook {
            tickets: Arc::clone(&self.tickets),
            keys: TicketKeys::derive(&self.roots.session),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
        }
    }

    /// Returns the operator at this console, who acts.
    #[must_use]
    pub fn by_operator(&self) -> By<'_> {
        By { actor: self.actor(&self.operator), context: access::Context::console(self.clock.now()) }
    }

    /// Returns somebody who acts from this console.
    #[must_use]
    pub fn actor<'a>(&self, subject: &'a Subject) -> Actor<'a> {
        Actor { address: Some(LOCAL), ..Actor::new(subject, CONSOLE, self.correlation) }
    }

    /// Returns the operating system's account as a subject of a tenant, with these roles.
    #[must_use]
    pub fn console_subject(&self, tenant: TenantId, roles: &[Role]) -> Subject {
        Subject::console(&account(), tenant, Roles::of(roles))
    }

    /// Returns what ties together the entries of this command.
    #[must_use]
    pub fn correlation(&self) -> CorrelationId {
        self.correlation
    }

    /// Loads the directory as it stands, held against the system chain.
    ///
    /// # Errors
    /// [`Exit::BrokenChain`] when it is not what the chain says, [`Exit::Unavailable`], or [`Exit::Failed`] when an
    /// entry does not open.
    pub async fn directory(&self) -> Outcome<Directory> {
        let directory = self.administration().load_directory().await.map_err(crate::commands::not_changed)?;
        self.every_tenant_has_its_chain().await?;
        Ok(directory)
    }

    /// Fails where a tenant that the system chain tells of has no chain: it was removed, and its anchor with it.
    async fn every_tenant_has_its_chain(&self) -> Outcome {
        let told = self.witness.directory().await.map_err(|fault| match fault {
            NotRead::Broken(broken) => NotVerified::Broken(broken),
            NotRead::Unavailable => NotVerified::Unavailable,
        })?;
        // A tenant begins with an entry in its own chain, and the heads are read after what the system chain says.
        let heads = self.store.heads().await.map_err(NotVerified::from)?;
        for (id, _) in told.iter().filter(|(_, stated)| stated.kind == Kind::Tenant) {
            let chain = ChainId(id.0);
            if !heads.iter().any(|(known, head)| *known == chain && head.length > 0) {
                return Err(NotVerified::Broken(Break { chain, sequence: 1, kind: BreakKind::Truncated }).into());
            }
        }
        Ok(())
    }

    /// Finishes what is recorded and closes the database.
    pub async fn close(self) {
        if self.refusals.summarise(true).await.is_err() {
            tracing::error!("refusals that were counted could not be recorded");
        }
        self.recorder.stop().await;
        self.database.close().await;
    }
}

/// Opens the database that the configuration names.
///
/// # Errors
/// [`Exit::Missing`], [`Exit::Unavailable`].
pub async fn open_database(config: &config::Database) -> Outcome<Database> {
    let options = store::Options { readers: config.max_connections };
    let opened = match (&config.sqlite_file, &config.postgres_url_file) {
        (Some(path), _) => {
            // `init` makes the database; a wrong path must not make an empty one.
            if !path.exists() {
                let line = format!("there is no database at {}: `sealgate init` makes one", path.display());
                return Err(Stop::new(Exit::Missing, line));
            }
            store::open_sqlite(path, options).await
        }
        (None, Some(path)) => {
            let url = read_secret_file(path).map_err(|fault| Stop::new(Exit::Missing, fault))?;
            let url = std::str::from_utf8(url.expose())
                .map_err(|_| Stop::new(Exit::Failed, "the PostgreSQL URL is not text"))?;
            store::open_postgres(url, options).await
        }
        (None, None) => return Err(Stop::new(Exit::Configuration, "[database] names no database")),
    };
    opened.map_err(not_opened)
}

/// Says why a database does not open.
#[must_use]
pub fn not_opened(fault: OpenError) -> Stop {
    let exit = match &fault {
        OpenError::Connect(_) | OpenError::File(_) => Exit::Unavailable,
        OpenError::Address => Exit::Configuration,
        _ => Exit::Failed,
    };
    Stop::new(exit, fault)
}

/// Opens the anchor file that the configuration names.
///
/// # Errors
/// [`Exit::BrokenChain`] when it is missing or altered.
pub fn open_anchors(config: &Config, roots: &Roots) -> Outcome<AnchorFile> {
    anchors_at(&config.audit.anchor_file, roots)
}

/// Opens an anchor file.
///
/// # Errors
/// As for [`open_anchors`].
pub fn anchors_at(path: &Path, roots: &Roots) -> Outcome<AnchorFile> {
    AnchorFile::open(path, AnchorKey::derive(&roots.audit)).map_err(|fault| anchors_not_opened(path, &fault))
}

/// Says why the anchors cannot be used: without them a cut or an older database would go unnoticed.
fn anchors_not_opened(path: &Path, fault: &store::AnchorFileError) -> Stop {
    let kind = match fault {
        store::AnchorFileError::Io(why) if why.kind() == std::io::ErrorKind::NotFound => "anchor_missing",
        store::AnchorFileError::Io(_) => "anchor_unreadable",
        store::AnchorFileError::Fault(_) => "anchor_altered",
    };
    let value = serde_json::json!({
        "audit_chain_broken": true,
        "kind": kind,
        "anchor_file": path.display().to_string(),
        "next": "find out why; `sealgate audit anchor --reason …` takes the present heads as the anchors"
    });
    Stop::new(Exit::BrokenChain, value)
}

/// Opens the roots in the one way that the configuration names.
///
/// # Errors
/// [`Exit::WrongSecret`], [`Exit::Missing`].
pub async fn open_roots(config: &config::Custody) -> Outcome<Roots> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let custody = Custody::read(&config.slots_file)?;
        let (kind, secret) = match (&config.passphrase_file, config.passphrase_descriptor, &config.credential_file) {
            (Some(path), _, _) => (SlotKind::Passphrase, read_secret_file(path)?),
            (None, Some(descriptor), _) => (SlotKind::Passphrase, read_secret_descriptor(descriptor)?),
            (None, None, Some(path)) => (SlotKind::CredentialFile, read_credential_file(path)?),
            (None, None, None) => {
                return Err(CustodyFault::Damaged { path: config.slots_file, what: "no way to open it is configured" });
            }
        };
        wait(delay_before_attempt(&config.slots_file));
        custody.open(&config.slots_file, kind, secret.expose())
    });
    match opened.await {
        Ok(roots) => roots.map_err(not_in_custody),
        Err(_) => Err(Stop::new(Exit::Failed, "the key slots could not be tried")),
    }
}

/// Waits on a thread of its own, which nobody else needs.
pub(crate) fn wait(delay: std::time::Duration) {
    if !delay.is_zero() {
        crate::output::note(format_args!("waiting {} s after failed attempts …", delay.as_secs()));
        std::thread::park_timeout(delay);
    }
}

/// Says why the roots do not open.
#[must_use]
pub fn not_in_custody(fault: CustodyFault) -> Stop {
    let exit = match &fault {
        CustodyFault::Wrong { .. } => Exit::WrongSecret,
        CustodyFault::File { .. } | CustodyFault::Secret(_) => Exit::Missing,
        CustodyFault::Damaged { .. } | CustodyFault::Entropy(_) => Exit::Failed,
    };
    Stop::new(exit, fault)
}

/// Returns the name of the operating system's account, or its number.
fn account() -> String {
    let number = rustix::process::getuid().as_raw();
    let named = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = named.lines().find(|line| line.split(':').nth(2) == Some(number.to_string().as_str()));
    line.and_then(|line| line.split(':').next()).map_or_else(|| format!("uid-{number}"), str::to_owned)
}
