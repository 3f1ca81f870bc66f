//! The configuration file: TOML, every key known, every limit named with its unit, secrets only as files.

mod fault;
mod limits;
mod read;
mod sign_on;

pub use fault::ConfigFault;
pub(crate) use fault::nearest;
pub use read::{MAX_CONFIG_BYTES, read};
pub use sign_on::{KeyFiles, Saml, SignOn};

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything a gateway needs to know. Relative paths start at the folder of the file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where records are kept.
    pub database: Database,
    /// How the root keys are opened.
    pub custody: Custody,
    /// What guards the audit chains.
    pub audit: Audit,
    /// The MLLP listeners.
    #[serde(default)]
    pub mllp: Vec<Mllp>,
    /// The FHIR server.
    #[serde(default)]
    pub fhir: Fhir,
    /// Sign-in, pages and tokens.
    #[serde(default)]
    pub sign_on: SignOn,
    /// Health and metrics.
    #[serde(default)]
    pub operations: Operations,
    /// Logs.
    #[serde(default)]
    pub log: Log,
}

/// Where records are kept: one of the two.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The SQLite file; `sealgate init` makes it.
    pub sqlite_file: Option<PathBuf>,
    /// A file that holds the PostgreSQL URL with its password; mode 0400 or 0600.
    pub postgres_url_file: Option<PathBuf>,
    /// Most PostgreSQL connections, or SQLite readers.
    #[serde(default = "default::connections")]
    pub max_connections: u32,
}

/// How the root keys are opened: exactly one of the three ways.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custody {
    /// The custody file that `sealgate init` makes.
    pub slots_file: PathBuf,
    /// A file that holds the passphrase; readable by its owner alone.
    pub passphrase_file: Option<PathBuf>,
    /// An inherited descriptor from which the passphrase is read.
    pub passphrase_descriptor: Option<u32>,
    /// A credential file of mode 0400, as systemd's LoadCredential gives it.
    pub credential_file: Option<PathBuf>,
}

/// What guards the audit chains.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The head anchors: a file outside the database, best on another disk.
    pub anchor_file: PathBuf,
    /// Most entries that are all verified before a port opens; above it the open segment and the checkpoints come first.
    #[serde(default = "default::verify_entries")]
    pub verify_all_up_to_entries: u64,
}

/// One MLLP listener.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mllp {
    /// The name by which interfaces refer to it.
    pub name: String,
    /// Address and port.
    pub bind: SocketAddr,
    /// TLS; without it the listener must be on loopback or say `plain = true`.
    pub tls: Option<Tls>,
    /// Says that plain text over the network is meant.
    #[serde(default)]
    pub plain: bool,
    /// Most connections at a time.
    #[serde(default = "default::mllp_connections")]
    pub max_connections: usize,
    /// Largest frame in bytes.
    #[serde(default = "default::frame_bytes")]
    pub max_frame_bytes: usize,
    /// Longest time from a frame's first byte to its last, in seconds.
    #[serde(default = "default::frame_seconds")]
    pub frame_timeout_seconds: u64,
    /// Longest silence between frames, in seconds.
    #[serde(default = "default::idle_seconds")]
    pub idle_timeout_seconds: u64,
}

/// Certificates, as PEM files.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate_file: PathBuf,
    /// The private key; readable by its owner alone.
    pub key_file: PathBuf,
    /// Clients must show a certificate of these authorities.
    pub client_ca_file: Option<PathBuf>,
}

/// The FHIR server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fhir {
    /// Address and port; absent: no FHIR server.
    pub bind: Option<SocketAddr>,
    /// The base URL that clients use, for links; made from `bind` when absent.
    pub base_url: Option<String>,
    /// TLS; without it the server must be on loopback or say `plain = true`.
    pub tls: Option<Tls>,
    /// Says that plain text over the network is meant (behind a proxy that ends TLS).
    pub plain: bool,
    /// Ranges of addresses of proxies that are believed about whose requests they pass on.
    pub trusted_proxies: Vec<String>,
    /// The header in which those proxies name the client: `x-forwarded-for` or `forwarded`; the other one is the client's own.
    pub forwarded_header: fhir::ForwardedHeader,
    /// Most connections at a time.
    pub max_connections: usize,
    /// Longest time for a request's head and body, in seconds.
    pub request_timeout_seconds: u64,
}

impl Default for Fhir {
    fn default() -> Self {
        Self {
            bind: None,
            base_url: None,
            tls: None,
            plain: false,
            trusted_proxies: Vec::new(),
            forwarded_header: fhir::ForwardedHeader::XForwardedFor,
            max_connections: 10_000,
            request_timeout_seconds: 30,
        }
    }
}

/// Health and metrics, for the machine's own monitoring.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Address and port on loopback; absent: neither is served.
    pub bind: Option<SocketAddr>,
}

#[expect(clippy::derivable_impls, reason = "the default is a decision that may change, so it is written out")]
impl Default for Operations {
    fn default() -> Self {
        Self { bind: None }
    }
}

/// Logs on standard error.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: LogLevel,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least severity that is logged.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

mod default {
    pub(super) fn connections() -> u32 {
        8
    }
    pub(super) fn verify_entries() -> u64 {
        10_000_000
    }
    pub(super) fn mllp_connections() -> usize {
        1_024
    }
    pub(super) fn frame_bytes() -> usize {
        16 * 1_048_576
    }
    pub(super) fn frame_seconds() -> u64 {
        60
    }
    pub(super) fn idle_seconds() -> u64 {
        86_400
    }
}
