//! The SAML service provider against an identity provider that can do anything, honest and not.
//!
//! Documents are made and signed at run time with fresh keys. This program is its own helper process: started with the
//! argument of the helper it answers one question and ends.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod confinement;
mod encryption;
mod forgery;
mod house;
mod logout;
mod metadata;
mod mutation;
mod oracle;
mod provider;
mod structure;
mod truth;

use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    if let Some(role) = std::env::args().nth(1)
        && let Some(ended) = confinement::play(&role)
    {
        return ended;
    }
    let house = std::sync::Arc::new(house::House::build());
    let cases = [
        truth::cases(),
        structure::cases(),
        forgery::cases(),
        encryption::cases(),
        logout::cases(),
        metadata::cases(),
        mutation::cases(),
        confinement::cases(),
    ];
    let trials = cases.into_iter().flatten().map(|(name, case)| {
        let house = std::sync::Arc::clone(&house);
        Trial::test(name, move || {
            case(&house);
            Ok(())
        })
    });
    let arguments = Arguments::from_args();
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if conclusion.has_failed() || arguments.list || arguments.filter.is_some() {
        return conclusion.exit_code();
    }
    oracle::ask()
}
