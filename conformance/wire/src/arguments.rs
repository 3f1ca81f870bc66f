//! The command line, and the help that teaches it.

use clap::{Args, Parser, Subcommand, ValueEnum};
use conformance::case::{Importance, Selection};
use conformance::{fhir, mllp, report, tls};
use rustls::pki_types::ServerName;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Puts conformance cases to an endpoint: HL7 v2 over MLLP, FHIR R4 over HTTP, sign-on, or provisioning.
///
/// Every case stands for one clause of a specification and names it. A failure shows what was sent, what came back
/// and a shell line that shows the same by hand. The messages are made up; use the tool on test endpoints only,
/// since it sends results for patients who do not exist.
#[derive(Debug, Parser)]
#[command(name = "sealgate-conformance", version, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  All MLLP cases against a listener that answers in original mode only:
    sealgate-conformance mllp localhost:2575 --without enhanced-ack

  One case again, or one group:
    sealgate-conformance mllp localhost:2575 --only ACK-02
    sealgate-conformance mllp localhost:2575 --only ACK --only ERR

  A listener that knows only certain senders, over TLS with a client certificate:
    sealgate-conformance mllp lab.example:2576 --sending-application LABX --sending-facility NORTH \\
        --tls --ca ca.pem --client-cert client.pem --client-key client.key

  A FHIR endpoint that is filled over MLLP first, so that every value can be compared:
    sealgate-conformance fhir https://localhost:8443/fhir --ca ca.pem --token-file token \\
        --seed-mllp localhost:2575

  Sign-on: SMART configuration, token endpoint and pages:
    sealgate-conformance sso https://localhost:8443/fhir --ca ca.pem

  Provisioning by SCIM, with the address and token of a connection for tests:
    sealgate-conformance scim https://localhost:8443/scim/v2/0199… --ca ca.pem --token-file token

  For a continuous-integration server:
    sealgate-conformance mllp localhost:2575 --format junit --output mllp.xml

Exit codes:
  0  no case failed        1  a case failed, or could not be carried out
  2  wrong command line    3  the endpoint cannot be reached";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the MLLP cases: framing, acknowledgement, errors, versions, encoding, results
    Mllp(MllpArguments),
    /// Runs the FHIR cases: metadata, access, read, search, pages, hostile input, US Core
    Fhir(FhirArguments),
    /// Runs the sign-on cases: SMART configuration, token endpoint, pages, cookies
    Sso(SsoArguments),
    /// Runs the provisioning cases: SCIM 2.0 users and groups, on a connection that is there for tests
    Scim(ScimArguments),
    /// Lists every case with its id, clause, importance and optional feature
    List {
        /// Form of the list: text or json
        #[arg(long, value_enum, default_value_t = FormatName::Text)]
        format: FormatName,
    },
    /// Writes the bytes of a vector to the standard output, or lists the vectors
    Vector {
        /// Folder and name, for example hl7/good or mllp/01_normal
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MllpArguments {
    /// The listener
    #[arg(value_name = "HOST:PORT")]
    pub(crate) address: String,
    #[command(flatten)]
    sender: Sender,
    /// Speak TLS; needs --ca
    #[arg(long, requires = "ca")]
    tls: bool,
    /// Certificates to trust, PEM
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// Certificate chain to show to the listener, PEM
    #[arg(long, value_name = "FILE", requires_all = ["tls", "client_key"])]
    client_cert: Option<PathBuf>,
    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Name to expect in the listener's certificate, where it is not the host
    #[arg(long, value_name = "NAME", requires = "tls")]
    server_name: Option<String>,
    /// How long nothing must come where no reply is due
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    quiet_milliseconds: u64,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Args)]
pub(crate) struct FhirArguments {
    /// The base URL, below which /metadata is
    pub(crate) url: String,
    /// File that holds a bearer token; without it the cases about access are skipped
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates to trust, PEM; without it those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Id of a patient with laboratory results; without it one is looked for
    #[arg(long, value_name = "ID")]
    patient: Option<String>,
    /// An MLLP listener that feeds the endpoint: send it the seed messages first and compare every value
    #[arg(long, value_name = "HOST:PORT")]
    seed_mllp: Option<String>,
    #[command(flatten)]
    sender: Sender,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SsoArguments {
    /// The FHIR base URL, below which /metadata and /.well-known/smart-configuration are
    pub(crate) url: String,
    /// Certificates to trust, PEM; without it those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ScimArguments {
    /// The base URL, below which /Users is
    pub(crate) url: String,
    /// File that holds the bearer token of a provider's service
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Certificates to trust, PEM; without it those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Args)]
struct Sender {
    /// MSH-3 of the messages, where the listener knows only certain senders
    #[arg(long, value_name = "TEXT")]
    sending_application: Option<String>,
    /// MSH-4 of the messages
    #[arg(long, value_name = "TEXT")]
    sending_facility: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Optional features the endpoint does not claim, as `list` names them; their cases are shown as skipped
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    without: Vec<String>,
    /// Run only this case (ACK-02) or group (ACK); may be repeated
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Run only cases at least this important
    #[arg(long, value_enum, default_value_t = ImportanceName::May)]
    importance: ImportanceName,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = FormatName::Text)]
    pub(crate) format: FormatName,
    /// Write the report to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How long to wait for a connection, a reply or an answer
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout_seconds: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatName {
    /// Lines for people
    Text,
    /// One JSON object for scripts
    Json,
    /// JUnit XML for continuous-integration servers
    Junit,
}

impl From<FormatName> for report::Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Text => Self::Text,
            FormatName::Json => Self::Json,
            FormatName::Junit => Self::Junit,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ImportanceName {
    May,
    Should,
    Shall,
}

impl RunArguments {
    /// Which cases to run; refuses a feature that no case of the suite needs.
    pub(crate) fn selection(&self, features: &[(&str, &str)]) -> Result<Selection, String> {
        for wanted in &self.without {
            if !features.iter().any(|(name, _)| name == wanted) {
                let known: Vec<String> =
                    features.iter().map(|(name, covers)| format!("\n  {name:<18} {covers}")).collect();
                return Err(format!("no feature is called {wanted}; these are known:{}", known.concat()));
            }
        }
        Ok(Selection {
            only: self.only.clone(),
            without: self.without.iter().cloned().collect::<BTreeSet<_>>(),
            least: match self.importance {
                ImportanceName::May => Importance::May,
                ImportanceName::Should => Importance::Should,
                ImportanceName::Shall => Importance::Shall,
            },
            ..Selection::default()
        })
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl Sender {
    fn apply(&self, mut options: mllp::Options, timeout: Duration) -> mllp::Options {
        options.sending_application.clone_from(&self.sending_application);
        options.sending_facility.clone_from(&self.sending_facility);
        options.timeout = timeout;
        options
    }
}

impl MllpArguments {
    pub(crate) fn options(&self, run: String) -> Result<mllp::Options, String> {
        let (host, port) = self
            .address
            .rsplit_once(':')
            .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
            .ok_or_else(|| format!("{} is no HOST:PORT", self.address))?;
        let options = mllp::Options::plain(format!("{host}:{port}"), run);
        let mut options = self.sender.apply(options, self.run.timeout());
        options.quiet = Duration::from_millis(self.quiet_milliseconds);
        if let Some(ca) = &self.ca {
            let client = self.client_cert.clone().zip(self.client_key.clone());
            let configuration =
                tls::configuration(&tls::Files { ca: ca.clone(), client }).map_err(|error| error.to_string())?;
            let name = self.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(name).map_err(|_| "the server name is no host name".to_owned())?;
            options.tls = Some((configuration, name));
        }
        Ok(options)
    }
}

fn is_web_address(url: &str) -> Result<(), String> {
    let known = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    if known { Ok(()) } else { Err(format!("{url} is no http or https URL")) }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

impl SsoArguments {
    pub(crate) fn options(&self) -> Result<fhir::Options, String> {
        is_web_address(&self.url)?;
        Ok(fhir::Options {
            ca: self.ca.as_ref().map(read).transpose()?,
            timeout: self.run.timeout(),
            ..fhir::Options::plain(self.url.clone())
        })
    }
}

impl ScimArguments {
    pub(crate) fn options(&self) -> Result<fhir::Options, String> {
        is_web_address(&self.url)?;
        Ok(fhir::Options {
            token: Some(fhir::Token::new(&String::from_utf8_lossy(&read(&self.token_file)?))),
            ca: self.ca.as_ref().map(read).transpose()?,
            timeout: self.run.timeout(),
            ..fhir::Options::plain(self.url.trim_end_matches('/'))
        })
    }
}

impl FhirArguments {
    pub(crate) fn options(&self, run: String) -> Result<fhir::Options, String> {
        is_web_address(&self.url)?;
        let token = match &self.token_file {
            Some(path) => Some(fhir::Token::new(&String::from_utf8_lossy(&read(path)?))),
            None => None,
        };
        let seed = self
            .seed_mllp
            .as_ref()
            .map(|address| self.sender.apply(mllp::Options::plain(address.clone(), run), self.run.timeout()));
        Ok(fhir::Options {
            base: self.url.clone(),
            token,
            ca: self.ca.as_ref().map(read).transpose()?,
            patient: self.patient.clone(),
            seed,
            timeout: self.run.timeout(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_unknown_feature_is_refused_with_the_known_ones() {
        let arguments = Arguments::parse_from(["x", "mllp", "h:1", "--without", "telepathy"]);
        let Command::Mllp(arguments) = arguments.command else { panic!("not mllp") };
        let refusal = arguments.run.selection(mllp::FEATURES).unwrap_err();
        assert!(refusal.contains("telepathy") && refusal.contains("enhanced-ack"));
    }

    #[test]
    fn an_address_without_a_port_is_refused() {
        for address in ["localhost", "localhost:", ":2575", "localhost:mllp"] {
            let arguments = Arguments::parse_from(["x", "mllp", address]);
            let Command::Mllp(arguments) = arguments.command else { panic!("not mllp") };
            assert!(arguments.options("R".into()).is_err(), "{address}");
        }
    }
}
