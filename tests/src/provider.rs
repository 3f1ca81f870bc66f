//! A real identity provider as a process of its own, gone when it is dropped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An identity provider that listens.
pub struct Provider {
    child: Child,
    /// Where it listens: an address without a slash at its end.
    pub address: String,
}

impl Provider {
    /// Starts a script of `tests/providers`, which says its kind and address once it listens.
    #[must_use]
    pub fn start(providers: &Path, script: &str, settings: &[(&str, &str)]) -> Self {
        let python = script.ends_with(".py").then(|| providers.join("python/bin/python"));
        let mut child = Command::new(python.unwrap_or_else(|| PathBuf::from("node")))
            .arg(providers.join(script))
            .current_dir(providers)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("what runs the script is there");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.trim().split_once(' ').map(|(_, address)| address.to_owned());
        Self { child, address: address.unwrap_or_else(|| panic!("{script} does not start: {line}")) }
    }

    /// Returns the port it listens on.
    #[must_use]
    pub fn port(&self) -> &str {
        self.address.rsplit_once(':').map_or("", |(_, port)| port)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns where the providers are, if `TEST_PROVIDERS` says so.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("TEST_PROVIDERS").map(PathBuf::from)
}

/// Says whether tests that need providers must run.
#[must_use]
pub fn required() -> bool {
    std::env::var("REQUIRE_PROVIDERS").is_ok_and(|value| value == "1")
}
