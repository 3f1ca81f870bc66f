//! Tests that need more than the program: identity providers, a PostgreSQL server. Where that is not there they show as ignored, and
//! where it must be there, as failed; none is skipped in silence.

use crate::database::in_a_database_of_its_own;
use crate::provider;
use libtest_mimic::{Failed, Trial};
use std::path::Path;

/// A test that is lent the folder of the identity providers, which `TEST_PROVIDERS` names (`tests/providers/run` fetches them).
/// `REQUIRE_PROVIDERS=1` makes it fail where they are not there.
pub fn with_providers(name: &str, test: impl FnOnce(&Path) + Send + 'static) -> Trial {
    match provider::folder() {
        Some(folder) => passing(name, move || test(&folder)),
        None => missing(name, "TEST_PROVIDERS is not set", "see tests/providers/run", "REQUIRE_PROVIDERS"),
    }
}

/// A test that is lent the address of a database of its own, which this name is given to, on the server that `TEST_POSTGRES_URL` names
/// (`tests/postgres` starts one). `REQUIRE_POSTGRES=1` makes it fail where there is none.
pub fn on_postgres(name: &str, database: &str, test: impl FnOnce(&str) + Send + 'static) -> Trial {
    let database = database.to_owned();
    with_postgres(name, move |url| {
        in_a_database_of_its_own(url, &database, test);
        Ok(())
    })
}

/// The same of a test that is lent the address of the server, and keeps out of others' way by itself.
pub fn with_postgres(name: &str, test: impl FnOnce(&str) -> Result<(), Failed> + Send + 'static) -> Trial {
    match std::env::var("TEST_POSTGRES_URL").ok() {
        Some(url) => Trial::test(name, move || test(&url)),
        None => missing(name, "TEST_POSTGRES_URL is not set", "see tests/postgres", "REQUIRE_POSTGRES"),
    }
}

/// A test that holds unless it panics.
pub fn passing(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

fn missing(name: &str, what: &'static str, help: &str, required: &'static str) -> Trial {
    if std::env::var(required).is_ok_and(|value| value == "1") {
        return Trial::test(name, move || Err(format!("{required}=1 but {what}").into()));
    }
    Trial::test(format!("{name} (ignored: {what}; {help})"), || Ok(())).with_ignored_flag(true)
}
