//! Asking for secrets: from a file, or at the terminal without echo.

use crate::commands::init::long_enough;
use crate::exit::{Exit, Outcome, Stop};
use domain::keys::SupportCode;
use domain::secret::{SecretBytes, constant_time_eq};
use keys::file::read_secret_file;
use std::path::Path;

/// Returns a new passphrase; at the terminal it is asked for twice.
pub(super) fn new(file: Option<&Path>) -> Outcome<SecretBytes> {
    let passphrase = match file {
        Some(path) => read_secret_file(path).map_err(|fault| Stop::new(Exit::Missing, fault))?,
        None => {
            let first = ask("New passphrase: ")?;
            // Said before it is typed a second time.
            long_enough(&first)?;
            if !constant_time_eq(first.expose(), ask("The same again: ")?.expose()) {
                return Err(Stop::new(Exit::Failed, "the two are not the same: nothing was changed"));
            }
            first
        }
    };
    long_enough(&passphrase)?;
    Ok(passphrase)
}

/// Returns the support code; a mistyped one is told apart from a wrong one.
pub(super) fn support_code(file: Option<&Path>) -> Outcome<SupportCode> {
    let text = match file {
        Some(path) => read_secret_file(path).map_err(|fault| Stop::new(Exit::Missing, fault))?,
        None => ask("Support code: ")?,
    };
    let text = std::str::from_utf8(text.expose()).unwrap_or_default();
    SupportCode::parse(text).map_err(|fault| Stop::new(Exit::WrongSecret, fault))
}

fn ask(prompt: &str) -> Outcome<SecretBytes> {
    rpassword::prompt_password(prompt)
        .map(|typed| SecretBytes::new(typed.into_bytes()))
        .map_err(|_| Stop::new(Exit::Failed, "there is no terminal to ask at: give the secret in a file, see --help"))
}
