//! What the commands promise to the person at the console, on a real installation in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use gateway::cli::{Audit, Init, Json, Key, Tenant};
use gateway::commands::{audit, directory, init, key};
use gateway::config::{self, Config};
use gateway::exit::{Exit, Outcome};
use std::fs;
use std::path::{Path, PathBuf};

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
