//! The gateway under test: an installation of its own, served by a process of its own.

use crate::http::Client;
use crate::load::Load;
use crate::options::Options;
use crate::process;
use ::gateway::cli::Init;
use ::gateway::commands::init;
use ::gateway::config::{self, Config};
use ::gateway::installation::Installation;
use domain::access::{Clinics, Purpose, Role, Roles};
use domain::administration::NewClient;
use domain::directory::{Interface, MappingFailureAs, UnavailableAs};
use domain::id::{RecordId, TenantId};
use domain::time::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a gateway may take to serve.
const PATIENCE: Duration = Duration::from_secs(120);
/// More than any measurement opens.
const MOST_CONNECTIONS: usize = 20_000;

/// A new installation in a temporary folder, with one tenant, one interface and one client.
pub(crate) struct House {
    folder: TempDir,
    program: PathBuf,
    pub(crate) tenant: TenantId,
    pub(crate) token: String,
    pub(crate) mllp: SocketAddr,
    pub(crate) fhir: SocketAddr,
    operations: SocketAddr,
}

impl House {
    /// Makes it, on SQLite or on the PostgreSQL of this URL.
    pub(crate) async fn make(options: &Options, postgres: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let [mllp, fhir, operations] = free_addresses();
        let url = postgres.map(|url| {
            let file = path.join("postgres-url");
            fs::write(&file, url).unwrap();
            rustix::fs::chmod(&file, rustix::fs::Mode::RUSR).unwrap();
            file
        });
        init::make(&Init {
            folder: path.to_owned(),
            passphrase_file: None,
            credential_file: Some(path.join("credential")),
            postgres_url_file: url,
            mllp,
            fhir,
        })
        .await
        .unwrap();
        let file = path.join("sealgate.toml");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.replace("127.0.0.1:9464", &operations.to_string());
        let many = format!("[[mllp]]\nmax_connections = {MOST_CONNECTIONS}\n");
        fs::write(&file, text.replace("[[mllp]]\n", &many)).unwrap();
        let (program, tenant, token) = (options.program.clone(), TenantId::SYSTEM, String::new());
        let mut house = Self { folder, program, tenant, token, mllp, fhir, operations };
        house.settle().await;
        house
    }

    /// Adds a tenant, who may send and who may read.
    async fn settle(&mut self) {
        let installation = Installation::open(&self.config()).await.unwrap();
        let (administration, by) = (installation.administration(), installation.by_operator());
        self.tenant = administration.add_tenant(&by, "Bench Hospital").await.ok().unwrap().id;
        let interface = Interface {
            id: RecordId([0; 16]),
            tenant: self.tenant,
            clinic: None,
            name: "bench-lab".to_owned(),
            listener: "main".to_owned(),
            sending_application: None,
            sending_facility: None,
            peers: vec!["127.0.0.0/8".to_owned()],
            time_zone: "UTC".to_owned(),
            character_set: None,
            processing_ids: vec!['P'],
            unavailable_as: UnavailableAs::Close,
            mapping_failure_as: MappingFailureAs::ApplicationAccept,
            enabled: true,
            created: Timestamp::default(),
        };
        administration.add_interface(&by, interface).await.ok().unwrap();
        let client = NewClient {
            tenant: self.tenant,
            name: "bench-reader".to_owned(),
            roles: Roles::of(&[Role::ReadOnly]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            expires: None,
        };
        let (_, token) = administration.add_client(&by, client).await.ok().unwrap();
        self.token = token.expose().to_owned();
        installation.close().await;
    }

    pub(crate) fn config(&self) -> Config {
        config::read(&self.folder.path().join("sealgate.toml")).ok().unwrap()
    }

    /// Returns the SQLite file.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("sealgate.db")
    }

    /// Starts the gateway and waits for its first answer.
    pub(crate) async fn serve(&self) -> Served {
        let begun = Instant::now();
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(self.folder.path().join("sealgate.toml"))
            .arg("serve")
            .stderr(File::create(self.folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut served = Served { child, operations: self.operations, until_first_answer: Duration::ZERO };
        while !answers(self.fhir).await {
            let ended = served.child.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "the gateway does not serve: {}", log());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        served.until_first_answer = begun.elapsed();
        served
    }
}

async fn answers(fhir: SocketAddr) -> bool {
    match Client::connect(fhir, None).await {
        Ok(mut client) => client.get("/fhir/metadata").await.is_ok_and(|(status, _)| status == 200),
        Err(_) => false,
    }
}

/// A gateway that serves.
pub(crate) struct Served {
    child: Child,
    operations: SocketAddr,
    /// From the start of its process.
    pub(crate) until_first_answer: Duration,
}

/// How much of everything a gateway has used and done so far.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    pub(crate) writes: f64,
    pub(crate) commits: f64,
    pub(crate) commit_seconds: f64,
}

impl Served {
    pub(crate) async fn used(&self) -> Used {
        let mut client = Client::connect(self.operations, None).await.unwrap();
        let (_, body) = client.get("/metrics").await.unwrap();
        let text = String::from_utf8_lossy(body).into_owned();
        let metric = |name: &str| -> f64 {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.unwrap().parse().unwrap()
        };
        Used {
            cpu: process::cpu_of(self.child.id()),
            writes: metric("sealgate_ledger_writes_total"),
            commits: metric("sealgate_ledger_commit_seconds_count"),
            commit_seconds: metric("sealgate_ledger_commit_seconds_sum"),
        }
    }

    pub(crate) fn resident_mib(&self) -> f64 {
        process::resident_mib(self.child.id())
    }

    /// Stops it as an operator would, and waits.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success(), "the gateway stops in order");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A load, and what it cost the gateway.
pub(crate) struct Run {
    pub(crate) load: Load,
    /// User and system time for each answer, in microseconds.
    pub(crate) gateway_cpu: f64,
    pub(crate) sender_cpu: f64,
    /// Write sets in one commit.
    pub(crate) group: f64,
    /// How much of the time a commit was under way.
    pub(crate) committing: f64,
}

impl Run {
    /// Puts a load together with what the gateway had used before and after it.
    pub(crate) fn of(load: Load, before: Used, after: Used) -> Self {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / load.answers();
        Self {
            gateway_cpu: each(after.cpu.saturating_sub(before.cpu)),
            sender_cpu: each(load.sender_cpu),
            group: (after.writes - before.writes) / (after.commits - before.commits).max(1.0),
            committing: (after.commit_seconds - before.commit_seconds) / load.took.as_secs_f64(),
            load,
        }
    }
}

/// Returns the run with the median rate.
pub(crate) fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|one, other| one.load.rate().total_cmp(&other.load.rate()));
    runs.swap_remove(runs.len() / 2)
}

fn free_addresses() -> [SocketAddr; 3] {
    // All are held until all are known, so that none is given twice.
    [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap()).map(|listener| listener.local_addr().unwrap())
}
