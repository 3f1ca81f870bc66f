//! Pages on which people change what proves that it is them.

use super::{Errors, Frame, Here};
use askama::Template;

/// Changes the password.
#[derive(Template)]
#[template(path = "password.html")]
pub(crate) struct PasswordPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
}

/// Replaces the authenticator app.
#[derive(Template)]
#[template(path = "authenticator.html")]
pub(crate) struct AuthenticatorPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    /// The QR code as SVG; made of numbers by us, so it is written as it is.
    pub(crate) picture: String,
    /// The same secret as text, in groups of four.
    pub(crate) secret: String,
}

/// Asks whether new recovery codes are to be drawn.
#[derive(Template)]
#[template(path = "draw_codes.html")]
pub(crate) struct DrawCodesPage {
    pub(crate) frame: Frame,
    pub(crate) token: String,
    /// Codes that were not used yet.
    pub(crate) left: usize,
}
