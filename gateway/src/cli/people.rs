//! `sealgate user …`, `application …` and `tenant settings`: what people type about people and their programs.

use super::Json;
use super::connection::Purpose;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Accounts kept here, for sites without an identity provider.
#[derive(Subcommand)]
pub enum User {
    /// Adds a person's account and prints a link, once, by which they set password and second factor.
    Add(UserAdd),
    /// Lists accounts.
    List {
        /// Only those of this tenant, by name or id.
        #[arg(long)]
        tenant: Option<String>,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Changes a person's roles, clinics or name; other roles or clinics end their sessions.
    Change(UserChange),
    /// Lets nobody sign in by an account from now on, and ends its sessions.
    Disable(NamedUser),
    /// Lets the person sign in again.
    Enable(NamedUser),
    /// Lists a person's security keys.
    Keys {
        /// Whose.
        #[command(flatten)]
        user: NamedUser,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Takes one security key away, which was lost or is not the person's, and ends their sessions.
    RemoveKey {
        /// Whose.
        #[command(flatten)]
        user: NamedUser,
        /// The key's name, or its id.
        #[arg(long)]
        key: String,
    },
    /// Takes the password away, ends the person's sessions, and prints a link to set another.
    Reset {
        /// Whose.
        #[command(flatten)]
        user: NamedUser,
        /// Take the second factor, every security key and the recovery codes away too: they are lost.
        #[arg(long)]
        second_factor: bool,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
}

/// An account that is there.
#[derive(Args)]
pub struct NamedUser {
    /// The sign-in name, or the account's id.
    pub user: String,
    /// The person's tenant, by name or id; needed where several tenants have an account of this name.
    #[arg(long)]
    pub tenant: Option<String>,
}

/// A new account.
#[derive(Args)]
#[command(after_help = "\
Hand the link over in person, or by a way that only this person reads. It holds for a day and for one use.
Nobody but the person ever knows the password; there is no way to set it here.")]
pub struct UserAdd {
    /// The sign-in name.
    pub name: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// The name that others read; absent: the sign-in name.
    #[arg(long, value_name = "NAME")]
    pub display: Option<String>,
    /// The person's role; may be given several times. `admin` goes without `--clinic`.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    pub roles: Vec<String>,
    /// The clinic it reaches, by name or id; may be given several times; absent: all of the tenant.
    #[arg(long = "clinic", value_name = "CLINIC")]
    pub clinics: Vec<String>,
    /// What the person acts for.
    #[arg(long, default_value = "treatment")]
    pub purpose: Purpose,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// What is changed about an account; what is not given stays.
#[derive(Args)]
#[group(id = "change", required = true, multiple = true, args = ["display", "roles", "clinics", "all_clinics", "purpose"])]
pub struct UserChange {
    /// Whose.
    #[command(flatten)]
    pub user: NamedUser,
    /// The name that others read.
    #[arg(long, value_name = "NAME")]
    pub display: Option<String>,
    /// The role the person has from now on; may be given several times, and replaces all. `admin` goes with all clinics.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The clinic that is reached from now on, by name or id; may be given several times, and replaces all.
    #[arg(long = "clinic", value_name = "CLINIC")]
    pub clinics: Vec<String>,
    /// Reach every clinic of the tenant.
    #[arg(long, conflicts_with = "clinics")]
    pub all_clinics: bool,
    /// What the person acts for.
    #[arg(long)]
    pub purpose: Option<Purpose>,
}

/// Applications that read over FHIR by SMART.
#[derive(Subcommand)]
pub enum Application {
    /// Adds a system that acts by itself and signs its requests (SMART Backend Services).
    AddBackend(BackendAdd),
    /// Adds an application that a person launches, and that acts with that person's roles (SMART App Launch).
    AddLaunch(LaunchAdd),
    /// Lists applications.
    List {
        /// Only those of this tenant, by name or id.
        #[arg(long)]
        tenant: Option<String>,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Gives an application no more tokens, and refuses those it has.
    Disable(NamedApplication),
    /// Gives an application tokens again.
    Enable(NamedApplication),
}

/// An application that is there.
#[derive(Args)]
pub struct NamedApplication {
    /// The application's name or client id.
    pub application: String,
    /// Its tenant, by name or id; needed where several tenants have an application of this name.
    #[arg(long)]
    pub tenant: Option<String>,
}

/// A new back end.
#[derive(Args)]
#[group(id = "keys", required = true, multiple = false, args = ["jwks_file", "jwks_url"])]
pub struct BackendAdd {
    /// Its name.
    pub name: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// The file with its public keys (JSON Web Key Set).
    #[arg(long, value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// The https address of its public keys.
    #[arg(long, value_name = "URL")]
    pub jwks_url: Option<String>,
    /// Its role; may be given several times. `admin` goes without `--clinic`.
    #[arg(long = "role", value_name = "ROLE", default_value = "read-only")]
    pub roles: Vec<String>,
    /// The clinic it reaches, by name or id; may be given several times; absent: all of the tenant.
    #[arg(long = "clinic", value_name = "CLINIC")]
    pub clinics: Vec<String>,
    /// What it acts for.
    #[arg(long, default_value = "treatment")]
    pub purpose: Purpose,
    /// A scope it may ask for, as system/Observation.rs, or system/Administration.ru to administer; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub scopes: Vec<String>,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// A new application to be launched.
#[derive(Args)]
pub struct LaunchAdd {
    /// Its name, which people are asked to trust.
    pub name: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// Where people are returned to it, compared exactly; may be given several times.
    #[arg(long = "redirect-uri", value_name = "URL", required = true)]
    pub redirect_uris: Vec<String>,
    /// Where it is launched from the portal; absent: it is launched by itself only.
    #[arg(long, value_name = "URL")]
    pub launch_uri: Option<String>,
    /// It runs on a server that keeps a secret: prints one, once, unless its keys are given.
    #[arg(long)]
    pub confidential: bool,
    /// The file with its public keys (JSON Web Key Set), by which it authenticates instead of a secret.
    #[arg(long, value_name = "FILE", requires = "confidential", conflicts_with = "jwks_url")]
    pub jwks_file: Option<PathBuf>,
    /// The https address of its public keys, by which it authenticates instead of a secret.
    #[arg(long, value_name = "URL", requires = "confidential")]
    pub jwks_url: Option<String>,
    /// A scope it may ask for, as patient/Observation.rs or launch/patient; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub scopes: Vec<String>,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// What a tenant decides about the people who sign in; what is not given stays, and with nothing given it is shown.
#[derive(Args)]
pub struct TenantSettings {
    /// The tenant, by name or id.
    pub tenant: String,
    /// A session that is unused for this long is over, 1 to 720.
    #[arg(long, value_name = "MINUTES")]
    pub idle_minutes: Option<i64>,
    /// A session is over this long after it began, 5 to 1440.
    #[arg(long, value_name = "MINUTES")]
    pub absolute_minutes: Option<i64>,
    /// Most sessions of one person, 1 to 50; a further one ends the one that was unused longest.
    #[arg(long, value_name = "NUMBER")]
    pub concurrent: Option<u32>,
    /// An address or range (CIDR) that people, API clients and applications may come from, with every request; may be given several
    /// times, and replaces all.
    #[arg(long = "address", value_name = "CIDR", conflicts_with = "any_address")]
    pub addresses: Vec<String>,
    /// Let people, API clients and applications come from any address.
    #[arg(long)]
    pub any_address: bool,
    /// Who must show a second factor.
    #[arg(long)]
    pub second_factor: Option<SecondFactor>,
    /// Emergency access is to be reviewed within this time, 1 to 720.
    #[arg(long, value_name = "HOURS")]
    pub break_glass_review_hours: Option<u32>,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// Who must show a second factor.
#[derive(Clone, Copy, ValueEnum)]
pub enum SecondFactor {
    /// Everybody.
    Required,
    /// Everybody but those who are provider or staff and nothing else.
    RelaxedForStaff,
}
