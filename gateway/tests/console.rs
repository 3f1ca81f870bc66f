//! What the commands promise to the person at the console, on a real installation in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::access::{Clinics, Factor, Purpose, Role, Roles};
use domain::directory::{Account, LOCAL_ISSUER};
use domain::id::{RecordId, TenantId};
use domain::identity::{self, Admitted, Assertion, Groups};
use domain::launch::{Asked, Launches, Wish};
use domain::ports::Clock;
use gateway::cli::{Audit, Init, Json, Key, Session, SessionEnd, Tenant};
use gateway::commands::{audit, directory, init, key, session as session_command};
use gateway::config::{self, Config};
use gateway::exit::{Exit, Outcome};
use gateway::installation::Installation;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An installation opened by a credential file, which costs no key derivation.
struct Installed {
    folder: tempfile::TempDir,
    config: Config,
}

impl Installed {
    async fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let init = Init {
            folder: folder.path().to_owned(),
            passphrase_file: None,
            credential_file: Some(folder.path().join("credential")),
            postgres_url_file: None,
            mllp: "127.0.0.1:0".parse().unwrap(),
            fhir: "127.0.0.1:0".parse().unwrap(),
        };
        init::make(&init).await.unwrap();
        let config = config::read(&folder.path().join("sealgate.toml")).unwrap();
        let installed = Self { folder, config };
        installed.add_tenant("Harbour").await.unwrap();
        installed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn add_tenant(&self, name: &str) -> Outcome {
        directory::tenant(&self.config, Tenant::Add { name: name.to_owned(), output: JSON }).await
    }

    async fn audit(&self, command: Audit) -> Outcome {
        audit::run(&self.path("sealgate.toml"), command).await
    }

    async fn verify(&self) -> Outcome {
        self.audit(Audit::Verify { export: None, key_file: None, records: false, output: JSON }).await
    }

    async fn anchor(&self) -> Outcome {
        self.audit(Audit::Anchor { reason: "a test".to_owned() }).await
    }

    fn copy_of_database(&self) -> Vec<u8> {
        // Closed in order, so that nothing is left in the write-ahead log.
        fs::read(self.path("sealgate.db")).unwrap()
    }
}

const JSON: Json = Json { json: true };

fn exit(outcome: Outcome) -> Exit {
    outcome.err().map_or(Exit::Done, |stop| stop.exit)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_stops_every_command_until_it_is_said_to_be_meant() {
    let installed = Installed::make().await;
    let older = installed.copy_of_database();
    installed.add_tenant("Later").await.unwrap();
    fs::write(installed.path("sealgate.db"), older).unwrap();

    // A command that wrote would carry the chain past its anchor, and the loss would never show.
    for _ in 0..3 {
        assert_eq!(exit(installed.add_tenant("Another").await), Exit::BrokenChain);
    }
    assert_eq!(exit(installed.verify().await), Exit::BrokenChain);
    installed.anchor().await.unwrap();
    installed.verify().await.unwrap();
    installed.add_tenant("Later").await.unwrap();
    let kept = fs::read_dir(installed.folder.path()).unwrap().filter_map(Result::ok);
    assert!(kept.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("anchors.before-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_anchors_stop_every_command_until_new_ones_are_taken() {
    let installed = Installed::make().await;
    fs::remove_file(installed.path("anchors")).unwrap();
    assert_eq!(exit(installed.add_tenant("Another").await), Exit::BrokenChain);
    assert_eq!(exit(installed.verify().await), Exit::BrokenChain);
    installed.anchor().await.unwrap();
    installed.verify().await.unwrap();
    installed.add_tenant("Another").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_that_fit_are_left_alone() {
    let installed = Installed::make().await;
    let before = fs::read(installed.path("anchors")).unwrap();
    installed.anchor().await.unwrap();
    assert!(before == fs::read(installed.path("anchors")).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_by_its_two_files_alone() {
    let installed = Installed::make().await;
    let (export, keys) = (installed.path("export.jsonl"), installed.path("export.keys"));
    let command = Audit::Export { tenant: "Harbour".to_owned(), to: export.clone(), key_file: Some(keys.clone()) };
    installed.audit(command).await.unwrap();

    let nowhere = Path::new("/nonexistent/sealgate.toml");
    let verify =
        || Audit::Verify { export: Some(export.clone()), key_file: Some(keys.clone()), records: false, output: JSON };
    audit::run(nowhere, verify()).await.unwrap();

    let text = fs::read_to_string(&export).unwrap();
    assert!(text.contains(r#""action":"audit.export""#), "the export is its own last entry");
    fs::write(&export, text.replacen("\"success\"", "\"failure\"", 1)).unwrap();
    assert_eq!(exit(audit::run(nowhere, verify()).await), Exit::BrokenChain);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slot_that_opens_the_root_as_configured_stays() {
    let installed = Installed::make().await;
    assert_eq!(exit(key::run(&installed.config, Key::RemoveSlot { slot: 1 }).await), Exit::Failed);
    // The support code may go: the credential still opens the root. Then it is the last slot.
    key::run(&installed.config, Key::RemoveSlot { slot: 2 }).await.unwrap();
    assert_eq!(exit(key::run(&installed.config, Key::RemoveSlot { slot: 1 }).await), Exit::Failed);
    installed.add_tenant("Another").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_all_that_a_person_has_names_each_grant_in_the_chain() {
    let installed = Installed::make().await;
    let person = RecordId([0xad; 16]);
    let applications = [RecordId([0x0a; 16]), RecordId([0x0b; 16])];
    let installation = Installation::open(&installed.config).await.unwrap();
    let tenant = installation.directory().await.unwrap().tenants().find(|known| known.name == "Harbour").unwrap().id;
    let launches = Launches::new(Arc::new(installation.book()));
    for application in applications {
        launches.grant(&asked(tenant, application), &session(tenant, person), None, Wish::default()).await.unwrap();
    }
    assert_eq!(launches.granted_by(tenant, person).await.unwrap().len(), 2);
    installation.close().await;

    let (tenant_name, person_id) = ("Harbour".to_owned(), Some(person.to_string()));
    let end = SessionEnd { tenant: tenant_name, session: None, person: person_id, all: false, output: JSON };
    session_command::run(&installed.config, Session::End(end)).await.unwrap();

    let export = installed.path("export.jsonl");
    installed.audit(Audit::Export { tenant: "Harbour".to_owned(), to: export.clone(), key_file: None }).await.unwrap();
    let chain = fs::read_to_string(&export).unwrap();
    assert_eq!(chain.matches(r#""action":"GrantRevoked""#).count(), 2);
    for application in applications {
        assert!(chain.contains(&application.to_string()));
    }
    let installation = Installation::open(&installed.config).await.unwrap();
    let launches = Launches::new(Arc::new(installation.book()));
    assert!(launches.granted_by(tenant, person).await.unwrap().is_empty());
    installation.close().await;
}

fn asked(tenant: TenantId, application: RecordId) -> Asked {
    Asked {
        application,
        tenant,
        redirect_uri: "https://app.example/back".to_owned(),
        state: String::new(),
        wish: Wish::default(),
        challenge: String::new(),
        launch: None,
        nonce: None,
        prompt_login: false,
        max_age: None,
    }
}

fn session(tenant: TenantId, person: RecordId) -> identity::Session {
    let now = gateway::clock::SystemClock.now();
    let assertion = Assertion {
        connection: Account::connection(tenant),
        tenant,
        issuer: LOCAL_ISSUER.to_owned(),
        subject: person.to_string(),
        display: "Ada Okoro".to_owned(),
        roles: Vec::new(),
        groups: Groups::Known(Vec::new()),
        attributes: Vec::new(),
        factor: Factor::Shown,
        authenticated: now,
        until: None,
        provider_session: None,
    };
    let roles = Roles::of(&[Role::Provider]);
    let admitted = Admitted::given(roles, Clinics::All, Purpose::Treatment);
    identity::Session::begin(RecordId([0x5e; 16]), person, &assertion, admitted, "192.0.2.7", now)
}
