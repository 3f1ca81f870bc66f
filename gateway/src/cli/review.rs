//! `sealgate review …`: what people type about emergency access that is to be reviewed.

use super::Json;
use clap::{Args, Subcommand, ValueEnum};

/// Reviews of emergency access.
#[derive(Subcommand)]
pub enum Review {
    /// Lists those that are open, soonest due first.
    List {
        /// The tenant, by name or id.
        #[arg(long)]
        tenant: String,
        /// List closed ones too, newest first.
        #[arg(long)]
        all: bool,
        /// Most reviews listed, at most 1000.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Shows one: who, when, why, and what was opened.
    Show {
        /// Which.
        #[command(flatten)]
        review: NamedReview,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Closes one with a verdict. What was broken stays in the chain.
    Close {
        /// Which.
        #[command(flatten)]
        review: NamedReview,
        /// How it is judged.
        #[arg(long)]
        verdict: Verdict,
        /// What there is to say; needed where it was not justified or does not open.
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
}

/// A review that is there.
#[derive(Args)]
pub struct NamedReview {
    /// Its id.
    pub review: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
}

/// How emergency access is judged.
#[derive(Clone, Copy, ValueEnum)]
pub enum Verdict {
    /// It was needed for care.
    Justified,
    /// It was not.
    NotJustified,
    /// It does not open: the note says what was found. Who broke the glass, the chain says; nobody closes their own.
    Unreadable,
}
