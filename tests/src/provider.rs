//! A real identity provider as a process of its own, gone when it is dropped.

use crate::gateway::Gateway;
use crate::home::{Home, write_private};
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

    /// Starts an OpenID provider and connects the first tenant with it by command, as `Hospital`; returns the id of the connection, which
    /// has no rule yet.
    #[must_use]
    pub fn connected(providers: &Path, home: &Home, gateway: &Gateway) -> (Self, String) {
        let provider = Self::start(providers, "oidc.mjs", &[("RP", &gateway.origin())]);
        let secret = home.path("client-secret");
        write_private(&secret, CLIENT_SECRET.as_bytes());
        let (secret, tenant) = (secret.display().to_string(), home.first().name.clone());
        let add = ["connection", "add-oidc", "Hospital", "--tenant", &tenant, "--issuer", &provider.address];
        let more = ["--client-id", "gateway", "--client-secret-file", &secret, "--allow-http-loopback", "--json"];
        let added = home.json(&[add.as_slice(), more.as_slice()].concat());
        let connection = added["id"].as_str().unwrap_or_else(|| panic!("an id: {added}"));
        (provider, connection.to_owned())
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

/// The secret by which the script of OpenID Connect knows its client `gateway`.
pub const CLIENT_SECRET: &str = "gateway-secret-of-tests-0123456789abcdef";
