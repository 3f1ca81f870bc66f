//! The command line: what people type, with help that teaches.

mod connection;
mod people;
mod review;
mod session;

pub use connection::{
    AssertionAudience, ClientKeyAlgorithm, Connection, ConnectionKey, NamedConnection, OidcAdd, ProvisionedGroups,
    ProvisionedSubject, ProvisioningChange, Purpose, RedirectAddress, Rule, RuleAdd, SamlAdd, YesOrNo,
};
pub use people::{
    Application, BackendAdd, LaunchAdd, NamedApplication, NamedUser, SecondFactor, TenantSettings, User, UserAdd,
    UserChange,
};
pub use review::{NamedReview, Review, Verdict};
pub use session::{Session, SessionEnd};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Takes HL7 v2 results over MLLP, seals and chains them, and serves them as FHIR R4.
///
/// First steps: `sealgate demo` shows everything on this machine in half a minute.
/// To set up for real: `sealgate init`, then `sealgate tenant add`, `sealgate interface add`,
/// `sealgate client add`, and `sealgate serve`. People sign in once there is a `sealgate connection`
/// to their identity provider, or a `sealgate user`.
#[derive(Parser)]
#[command(
    name = "sealgate",
    version,
    after_help = "Exit codes: 0 done · 1 failed · 2 usage · 65 broken audit chain · 66 something is missing · \
                  69 database or port unavailable · 77 the root does not open · 78 wrong configuration"
)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "sealgate.toml", env = "SEALGATE_CONFIG")]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Shows the whole story on this machine: send, seal, read back, verify, break, refuse.
    Demo(Demo),
    /// Makes the keys, the database and a configuration file for a new installation.
    Init(Init),
    /// Runs the gateway until it is told to stop (SIGTERM or Ctrl-C).
    Serve,
    /// Reads the configuration and prints what is in force, secrets shown as their file.
    CheckConfig(Json),
    /// Sends HL7 v2 messages over MLLP and prints each acknowledgement.
    Send(Send),
    /// Lists received messages, or shows one: raw beside mapped beside not mapped.
    #[command(subcommand)]
    Message(Message),
    /// Administers tenants and their clinics: the parties whose data and keys are separate.
    #[command(subcommand)]
    Tenant(Tenant),
    /// Administers interfaces: the connections by which partners send.
    #[command(subcommand)]
    Interface(Interface),
    /// Administers API clients: the systems that read over FHIR with a bearer token.
    #[command(subcommand)]
    Client(Client),
    /// Administers connections: the identity providers by which people sign in.
    #[command(subcommand)]
    Connection(Connection),
    /// Administers accounts of people kept here, for sites without an identity provider.
    #[command(subcommand)]
    User(User),
    /// Lists the sessions of people, and ends them.
    #[command(subcommand)]
    Session(Session),
    /// Administers applications: the programs that read over FHIR by SMART.
    #[command(subcommand)]
    Application(Application),
    /// Tries connections out before people do, and makes keys for SAML.
    #[command(subcommand)]
    Sso(SsoCommand),
    /// Verifies, shows and exports the audit chains.
    #[command(subcommand)]
    Audit(Audit),
    /// Lists, shows and closes reviews of emergency access.
    #[command(subcommand)]
    Review(Review),
    /// Rotates tenants' keys and manages the slots that open the root.
    #[command(subcommand)]
    Key(Key),
    /// Says how the installation is: database, chains, keys, tenants.
    Status(Json),
    /// Prints the completion script for a shell (bash, zsh, fish …).
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page.
    Manual,
    /// Verifies one SAML signature on behalf of a gateway that started it, without files and network.
    #[command(hide = true)]
    SamlVerify,
}

/// Trying connections out, and keys for SAML.
#[derive(Subcommand)]
pub enum SsoCommand {
    /// Looks at a connection step by step: settings, what the provider publishes, keys, rules. Nobody is signed in.
    #[command(
        after_help = "Exit code 0: people can sign in by it. Why a certain person could not: sealgate sso explain"
    )]
    Test(SsoTest),
    /// Explains refused sign-ins of a tenant: which step did not hold, why, and what to do.
    #[command(
        after_help = "The browser shows people nothing but a number: give it as --correlation to find the entry.\n\
        The reading is in the tenant's audit chain like any other."
    )]
    Explain(SsoExplain),
    /// Makes the two key pairs that SAML needs and says what to add to the configuration.
    Keys(SsoKeys),
}

/// A connection to try out.
#[derive(Args)]
pub struct SsoTest {
    /// Its name or id.
    pub connection: String,
    /// Its tenant, where several have a connection of this name.
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Explain the newest refused sign-ins by it instead: 5, or as many as are said.
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "5")]
    pub last: Option<usize>,
    /// How output is written.
    #[command(flatten)]
    pub print: Json,
}

/// Refused sign-ins to explain.
#[derive(Args)]
pub struct SsoExplain {
    /// The tenant, by name or id; `system` for refusals of systems that nobody knows.
    #[arg(long, value_name = "NAME")]
    pub tenant: String,
    /// Only this one, by the number that the browser showed.
    #[arg(long, value_name = "ID")]
    pub correlation: Option<String>,
    /// Only those by this connection, by name or id.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// How many of the newest.
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    pub last: usize,
    /// How output is written.
    #[command(flatten)]
    pub print: Json,
}

/// Key pairs for SAML.
#[derive(Args)]
pub struct SsoKeys {
    /// The folder for the files; files that are there are never replaced.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The name in the certificates, best the host that browsers use.
    #[arg(long, default_value = "sealgate", value_name = "NAME")]
    pub name: String,
}

/// How output is written.
#[derive(Args, Clone, Copy)]
pub struct Json {
    /// Write JSON for scripts instead of text for people.
    #[arg(long)]
    pub json: bool,
}

/// The demonstration.
#[derive(Args)]
pub struct Demo {
    /// End after the story; exit code 0 when every step held.
    #[arg(long)]
    pub once: bool,
    /// Keep the files in this folder instead of a temporary one (it must be empty or absent).
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Port of the MLLP listener on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub mllp_port: u16,
    /// Port of the FHIR server on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub fhir_port: u16,
}

/// A new installation.
#[derive(Args)]
pub struct Init {
    /// The folder for the configuration, keys and database; made if absent.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Read the passphrase from this file (its owner alone may read it) instead of asking.
    #[arg(long, value_name = "FILE", conflicts_with = "credential_file")]
    pub passphrase_file: Option<PathBuf>,
    /// Open the root by a credential file instead of a passphrase: made here with mode 0400 if absent.
    #[arg(long, value_name = "FILE")]
    pub credential_file: Option<PathBuf>,
    /// Keep records in PostgreSQL; the file holds its URL.
    #[arg(long, value_name = "FILE")]
    pub postgres_url_file: Option<PathBuf>,
    /// Address of the MLLP listener written to the configuration.
    #[arg(long, default_value = "127.0.0.1:2575")]
    pub mllp: SocketAddr,
    /// Address of the FHIR server written to the configuration.
    #[arg(long, default_value = "127.0.0.1:8480")]
    pub fhir: SocketAddr,
}

/// Sending messages.
#[derive(Args)]
pub struct Send {
    /// Files with one HL7 v2 message each.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The listener, as HOST:PORT; absent: the first listener of the configuration.
    #[arg(long, value_name = "HOST:PORT")]
    pub to: Option<String>,
    /// Use TLS and trust the certificates in this file.
    #[arg(long, value_name = "FILE")]
    pub tls_ca_file: Option<PathBuf>,
    /// Seconds to wait for each acknowledgement.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub timeout_seconds: u64,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// Messages.
#[derive(Subcommand)]
pub enum Message {
    /// Lists messages of a tenant, newest first: ids, times and states, nothing of their content.
    List {
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
        /// Only messages in this state.
        #[arg(long)]
        state: Option<State>,
        /// Most messages listed.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Takes a held message in after all, once what held it is mended. Recorded.
    Replay(MessageReplay),
    /// Closes a held message without mapping it: it is kept, and waits no more. Recorded.
    Dismiss(MessageDismiss),
    /// Shows one message: raw beside mapped beside not mapped. The view is recorded.
    Show {
        /// The message's id.
        id: String,
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
}

/// Taking a held message in after all.
#[derive(Args)]
pub struct MessageReplay {
    /// The message's id.
    pub id: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// Why; kept in the tenant's chain.
    #[arg(long)]
    pub reason: String,
    /// The interface as whose it is taken in, by name or id; absent: the one for its sender.
    #[arg(long)]
    pub interface: Option<String>,
    /// Let a report begin anew for another patient, where the one that is known was taken back as a whole.
    #[arg(long)]
    pub accept_patient_change: bool,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// Closing a held message.
#[derive(Args)]
pub struct MessageDismiss {
    /// The message's id.
    pub id: String,
    /// The tenant, by name or id, or `system`.
    #[arg(long)]
    pub tenant: String,
    /// Why; kept in the tenant's chain.
    #[arg(long)]
    pub reason: String,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// Where a message stands.
#[derive(Clone, Copy, ValueEnum)]
pub enum State {
    /// Every resource stored.
    Mapped,
    /// Stored, but mapping failed.
    Unmapped,
    /// Kept out of the records until somebody decides.
    Quarantined,
    /// Older than what was there.
    Late,
    /// Closed by a person.
    Dismissed,
}

/// Tenants and clinics.
#[derive(Subcommand)]
pub enum Tenant {
    /// Adds a tenant and makes its first key.
    Add {
        /// Its name.
        name: String,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Lists tenants and their clinics.
    List(Json),
    /// Shows or changes what a tenant decides about sign-in: time limits, addresses, second factor.
    Settings(TenantSettings),
    /// Adds a clinic to a tenant.
    AddClinic {
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
        /// The clinic's name.
        name: String,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
}

/// Interfaces.
#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "one value a process")]
pub enum Interface {
    /// Adds an interface: who may send by which listener, and for which tenant.
    Add(InterfaceAdd),
    /// Lists interfaces.
    List(Json),
    /// Refuses an interface's messages from now on.
    Disable {
        /// The interface's id or name.
        interface: String,
    },
}

/// A new interface.
#[derive(Args)]
pub struct InterfaceAdd {
    /// Its name.
    pub name: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// The clinic its records belong to, by name or id; absent: the whole tenant.
    #[arg(long)]
    pub clinic: Option<String>,
    /// The listener, as named in the configuration.
    #[arg(long)]
    pub listener: String,
    /// MSH-3 (first component) must be this; absent: anything.
    #[arg(long, value_name = "MSH-3")]
    pub sending_application: Option<String>,
    /// MSH-4 (first component) must be this; absent: anything.
    #[arg(long, value_name = "MSH-4")]
    pub sending_facility: Option<String>,
    /// Addresses that may connect, as CIDR; may be given several times.
    #[arg(long = "peer", value_name = "CIDR", required = true)]
    pub peers: Vec<String>,
    /// The sender's time zone, for times that carry none.
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub time_zone: String,
    /// The sender's character set, when MSH-18 cannot be believed.
    #[arg(long, value_name = "NAME")]
    pub character_set: Option<String>,
    /// Processing ids (MSH-11) that are taken.
    #[arg(long, default_value = "P", value_name = "LETTERS")]
    pub processing_ids: String,
    /// What the sender gets while storage is not available.
    #[arg(long, default_value = "close")]
    pub unavailable_as: UnavailableAs,
    /// Answer AE instead of AA to a message that is stored but could not be mapped.
    #[arg(long)]
    pub mapping_failure_as_error: bool,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// What a sender gets while storage is not available.
#[derive(Clone, Copy, ValueEnum)]
pub enum UnavailableAs {
    /// No reply, the socket is closed: engines resend.
    Close,
    /// AE with code 207.
    Ae,
    /// AR with code 207.
    Ar,
}

/// API clients.
#[derive(Subcommand)]
pub enum Client {
    /// Adds a client and prints its bearer token, once.
    Add {
        /// Its name.
        name: String,
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
        /// Its role; may be given several times. `admin` administers by API, goes with `auditor` alone and without `--clinic`.
        #[arg(long = "role", value_name = "ROLE", default_value = "read-only")]
        roles: Vec<String>,
        /// Clinics it may see, by name or id; absent: all of the tenant.
        #[arg(long = "clinic")]
        clinics: Vec<String>,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Lists clients.
    List(Json),
    /// Takes a client's right to connect away, at once.
    Disable {
        /// The client's id or name.
        client: String,
    },
}

/// The audit chains.
#[derive(Subcommand)]
pub enum Audit {
    /// Verifies every chain of the database, or an exported file.
    Verify {
        /// An export in JSON Lines instead of the database.
        #[arg(long, value_name = "FILE", requires = "key_file")]
        export: Option<PathBuf>,
        /// The verification keys that `audit export --key-file` wrote.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// Also opens every stored record and every context and holds them against the chain: finds what was deleted, put back or
        /// exchanged.
        #[arg(long, conflicts_with = "export")]
        records: bool,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Writes a chain as JSON Lines that anybody with the key file can verify.
    Export {
        /// The tenant, by name or id, or `system`.
        #[arg(long)]
        tenant: String,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Also write the verification keys of the chain to this file (mode 0600).
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
    /// Shows entries of a chain, newest last.
    Show(AuditShow),
    /// Takes the present heads as the anchors, after they were lost or a restore is meant. Recorded.
    Anchor {
        /// Why; kept in the system chain.
        #[arg(long)]
        reason: String,
    },
}

/// Which entries are shown.
#[derive(Args)]
pub struct AuditShow {
    /// The tenant, by name or id, or `system`.
    #[arg(long)]
    pub tenant: String,
    /// Only entries of this user, by id or by the name shown.
    #[arg(long)]
    pub user: Option<String>,
    /// Only entries with this action.
    #[arg(long)]
    pub action: Option<String>,
    /// Only entries on this resource: `Type/id`, `Type`, or an id.
    #[arg(long)]
    pub resource: Option<String>,
    /// Only entries with this outcome.
    #[arg(long)]
    pub outcome: Option<String>,
    /// Only entries at or after this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only entries before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Most entries shown: the newest that fit.
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Also open each entry's sealed context.
    #[arg(long)]
    pub context: bool,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// Keys.
#[derive(Subcommand)]
pub enum Key {
    /// Makes a new generation of a tenant's key and re-wraps its data keys, while the gateway serves.
    Rotate {
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
    },
    /// Lists the slots that open the root.
    Slots(Json),
    /// Adds a passphrase slot; nothing is re-encrypted.
    AddPassphrase {
        /// Read the new passphrase from this file instead of asking.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Removes a slot; the last one stays.
    RemoveSlot {
        /// The slot's number.
        slot: u32,
    },
    /// Opens the root with the support code and sets a new passphrase and a new support code.
    Recover {
        /// Read the support code from this file instead of asking.
        #[arg(long, value_name = "FILE")]
        support_code_file: Option<PathBuf>,
        /// Read the new passphrase from this file instead of asking.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}
