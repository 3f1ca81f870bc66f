//! An installation in a temporary folder, with two tenants that must never meet.
//!
//! The first one in a process is made by the program's own commands; every further one is a copy of it, which saves
//! the seconds that key derivation takes on purpose.

use crate::database::Database;
use crate::gateway::{Ended, Gateway};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The listener of the first tenant.
pub const MAIN: &str = "main";
/// The listener of the second tenant.
pub const SECOND: &str = "second";

/// An installation.
pub struct Home {
    folder: TempDir,
    program: PathBuf,
    parties: Parties,
}

/// A tenant with what is needed to send and to read as it.
#[derive(Clone)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its id, as commands print it.
    pub id: String,
    /// Its listener.
    pub listener: &'static str,
    /// The bearer token of a client that may read everything of it.
    pub token: String,
}

#[derive(Clone)]
struct Parties {
    first: Party,
    second: Party,
}

/// Every file of an installation, to be laid down again.
#[derive(Clone)]
pub struct Image {
    files: Vec<(PathBuf, Vec<u8>)>,
    parties: Parties,
}

impl Home {
    /// Makes an installation on SQLite; `program` is the program under test.
    #[must_use]
    pub fn new(program: &str) -> Self {
        static TEMPLATE: OnceLock<Image> = OnceLock::new();
        TEMPLATE.get_or_init(|| Self::made(program, None).image()).lay(program)
    }

    /// Makes an installation on PostgreSQL at a URL.
    #[must_use]
    pub fn on_postgres(program: &str, url: &str) -> Self {
        Self::made(program, Some(url))
    }

    fn made(program: &str, postgres: Option<&str>) -> Self {
        let folder = temporary();
        let absent = || Party { name: String::new(), id: String::new(), listener: MAIN, token: String::new() };
        let mut home =
            Self { folder, program: PathBuf::from(program), parties: Parties { first: absent(), second: absent() } };
        let at = |name: &str| home.path(name).display().to_string();
        let (place, credential, url_file) = (at(""), at("credential"), at("postgres-url"));
        let mut init = vec!["init", "--folder", &place, "--credential-file", &credential];
        if let Some(url) = postgres {
            write_private(Path::new(&url_file), url.as_bytes());
            init.extend(["--postgres-url-file", &url_file]);
        }
        home.done(&init);
        home.configure(postgres.is_some(), "");
        home.parties = Parties { first: home.add("Harbour", MAIN), second: home.add("Hillside", SECOND) };
        home
    }

    fn add(&self, name: &str, listener: &'static str) -> Party {
        let tenant: Value = self.json(&["tenant", "add", name, "--json"]);
        let interface = format!("{name}-lab");
        self.done(&["interface", "add", &interface, "--tenant", name, "--listener", listener, "--peer", "127.0.0.0/8"]);
        let token = self.done(&["client", "add", &format!("{name}-ward"), "--tenant", name]);
        Party {
            name: name.to_owned(),
            id: tenant["id"].as_str().unwrap_or_default().to_owned(),
            listener,
            token: token.trim().to_owned(),
        }
    }

    /// The first tenant.
    #[must_use]
    pub fn first(&self) -> &Party {
        &self.parties.first
    }

    /// The second tenant, on a listener of its own.
    #[must_use]
    pub fn second(&self) -> &Party {
        &self.parties.second
    }

    /// A file of the installation.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program under test.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Writes the configuration: free ports, logs as JSON at the trace level, and what else is given.
    pub fn configure(&self, postgres: bool, more: &str) {
        let database = if postgres { "postgres_url_file = \"postgres-url\"" } else { "sqlite_file = \"sealgate.db\"" };
        let text = format!(
            "[database]\n{database}\n[custody]\nslots_file = \"custody.json\"\ncredential_file = \"credential\"\n\
             [audit]\nanchor_file = \"anchors\"\n\
             [fhir]\nbind = \"127.0.0.1:0\"\nrequest_timeout_seconds = 5\n[sign_on]\nenabled = true\n\
             [operations]\nbind = \"127.0.0.1:0\"\n\
             [log]\nformat = \"json\"\nlevel = \"trace\"\n\
             [[mllp]]\nname = \"{MAIN}\"\nbind = \"127.0.0.1:0\"\n\
             [[mllp]]\nname = \"{SECOND}\"\nbind = \"127.0.0.1:0\"\n{more}"
        );
        fs::write(self.path("sealgate.toml"), text).expect("the configuration is written");
    }

    /// Prepares a command of the program on this installation.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.path("sealgate.toml")).args(arguments);
        // What a program leaves in its working folder and for a moment in temporary files is looked at too.
        command.current_dir(self.folder.path()).env("TMPDIR", self.path("temporary"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().expect("the program runs"))
    }

    /// Runs a command that must succeed and returns what it wrote to standard output.
    pub fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "sealgate {}: {}", arguments.join(" "), ended.stderr);
        ended.stdout
    }

    /// Runs a command that must succeed and write JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(arguments)).expect("the command writes JSON")
    }

    /// Starts the gateway and waits until it serves.
    #[must_use]
    pub fn serve(&self) -> Gateway {
        Gateway::start(self.command(&["serve"]))
    }

    /// Opens the SQLite database behind the program's back.
    #[must_use]
    pub fn database(&self) -> Database {
        Database::open(&self.path("sealgate.db"))
    }

    /// Keeps every file as it is now.
    #[must_use]
    pub fn image(&self) -> Image {
        let files = self.files().into_iter().map(|path| {
            let bytes = fs::read(&path).expect("a file of the installation is read");
            (path.strip_prefix(self.folder.path()).expect("it is inside").to_owned(), bytes)
        });
        Image { files: files.collect(), parties: self.parties.clone() }
    }

    /// Returns every file below the folder.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder is listed").flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

impl Image {
    /// Lays the files down in a new folder.
    #[must_use]
    pub fn lay(&self, program: &str) -> Home {
        let home = Home { folder: temporary(), program: PathBuf::from(program), parties: self.parties.clone() };
        for (name, bytes) in &self.files {
            write_private(&home.folder.path().join(name), bytes);
        }
        home
    }

    /// Returns the bytes of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> &[u8] {
        let found = self.files.iter().find(|(path, _)| path == Path::new(name));
        found.map(|(_, bytes)| bytes.as_slice()).expect("the installation has this file")
    }
}

fn temporary() -> TempDir {
    let folder = tempfile::Builder::new().prefix("sealgate-test.").tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("temporary")).expect("a folder for temporary files");
    folder
}

/// Writes a file that only its owner may read, as credentials must be.
pub fn write_private(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("the folder is made");
    fs::write(path, bytes).expect("the file is written");
    let mode = if path.ends_with("credential") { 0o400 } else { 0o600 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode is set");
}
