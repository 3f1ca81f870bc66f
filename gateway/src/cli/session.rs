//! `sealgate session …`: what people type about sessions.

use super::Json;
use clap::{Args, Subcommand};

/// Sessions of people.
#[derive(Subcommand)]
pub enum Session {
    /// Lists the sessions of a tenant's people.
    List {
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
        /// Only those of this person, by their id as the list and the audit chain show it.
        #[arg(long, value_name = "ID")]
        person: Option<String>,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Ends sessions at once, at every gateway.
    End(SessionEnd),
}

/// Which sessions end.
#[derive(Args)]
#[group(id = "which", required = true, multiple = false, args = ["session", "person", "all"])]
pub struct SessionEnd {
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// This one, by its id.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Those of this person, by their id.
    #[arg(long, value_name = "ID")]
    pub person: Option<String>,
    /// Every one of the tenant.
    #[arg(long)]
    pub all: bool,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}
