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

/// Lists the security keys of an account, and adds one.
#[derive(Template)]
#[template(path = "security_keys.html")]
pub(crate) struct SecurityKeysPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    /// What was just done; empty when nothing was.
    pub(crate) said: &'static str,
    pub(crate) keys: Vec<KeyLine>,
    /// Whether one of them is all that the person has to show.
    pub(crate) only: bool,
    /// What adds one; `None` where none can be added.
    pub(crate) key: Option<KeyForm>,
    /// Whether none can be added because there are as many as may be.
    pub(crate) full: bool,
    /// The name that was typed before.
    pub(crate) name: String,
}

/// One security key.
pub(crate) struct KeyLine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// When.
    pub(crate) added: String,
    /// Whether it was made for another host, and cannot be used here.
    pub(crate) elsewhere: bool,
    /// Whether it may be removed: something else would be left to show, or it cannot be shown.
    pub(crate) removable: bool,
}

/// A form that a security key answers by the script.
pub(crate) struct KeyForm {
    /// Where it goes.
    pub(crate) action: String,
    pub(crate) token: String,
    /// What the browser is to do: `create` or `get`.
    pub(crate) way: &'static str,
    /// What it is asked, as JSON.
    pub(crate) options: String,
}
