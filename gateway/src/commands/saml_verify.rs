//! `sealgate saml-verify`: the helper process that a gateway starts for each SAML message; nobody types it.

use crate::exit::{Exit, Outcome, Stop};

/// Answers one question from standard input on standard output, see [`sso::saml::verify`].
///
/// # Errors
/// [`Exit::Failed`] when there was no question.
pub fn run() -> Outcome {
    let refused = |_| Stop::new(Exit::Failed, "this command is for a gateway to start, which asks it a question");
    sso::saml::verify::serve().map_err(refused)
}
