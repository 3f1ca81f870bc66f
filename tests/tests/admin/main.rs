//! Administration by API from outside: a connection that nobody but the API set up, sessions, reviews, and everything that must
//! not work. Each on SQLite, and on PostgreSQL where `TEST_POSTGRES_URL` says a server is (`tests/postgres` starts one).
//!
//! What needs a real identity provider runs where `TEST_PROVIDERS` says that the providers are (`tests/providers/run` fetches them).
//! What is not run shows as ignored; `REQUIRE_POSTGRES=1` and `REQUIRE_PROVIDERS=1` turn that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod changes;
mod connections;
mod refusals;
mod reviews;
mod script;

use libtest_mimic::{Arguments, Trial};
use std::path::PathBuf;
use std::process::ExitCode;
use tests::home::Home;
use tests::provider;
use tests::trials::{on_postgres, passing, with_providers};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests: [(&str, Test); 4] = [
        ("a_person_reviews_by_a_token_and_a_system_never", reviews::a_person_reviews),
        ("nobody_reviews_their_own_by_a_token", reviews::nobody_reviews_their_own),
        ("who_may_not_gets_nothing_and_it_is_recorded", refusals::who_may_not_gets_nothing),
        ("of_changes_at_once_one_is_made", changes::of_changes_at_once_one_is_made),
    ];
    let mut trials = Vec::new();
    for (name, test) in tests {
        trials.push(passing(name, move || test(&Home::new(PROGRAM))));
        trials.push(again_on_postgres(name, test));
    }
    let name = "a_connection_set_up_by_api_alone_signs_people_in";
    trials.push(with_providers(name, |providers| connections::sign_people_in(&Home::new(PROGRAM), providers)));
    let again = |providers: PathBuf| again_on_postgres(name, move |home| connections::sign_people_in(home, &providers));
    trials.extend(provider::folder().map(again));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test at an installation of its own.
type Test = fn(&Home);

/// The same test on PostgreSQL.
fn again_on_postgres(name: &str, test: impl FnOnce(&Home) + Send + 'static) -> Trial {
    let database = name.get(..24).unwrap_or(name);
    on_postgres(&format!("{name}_on_postgresql"), database, move |own| test(&Home::on_postgres(PROGRAM, own)))
}
