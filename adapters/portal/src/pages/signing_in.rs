//! Pages of signing in, of the account, and of what goes wrong.

use super::{Errors, Frame, Here, KeyForm};
use crate::problem::Words;
use askama::Template;

/// Asks which organization somebody belongs to.
#[derive(Template)]
#[template(path = "discover.html")]
pub(crate) struct DiscoverPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    /// Where the form goes, with the place to return to.
    pub(crate) action: String,
    pub(crate) value: String,
}

/// Offers a tenant's ways to sign in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) action: String,
    pub(crate) organization: String,
    /// The connections.
    pub(crate) ways: Vec<Way>,
    /// Whether accounts are kept here.
    pub(crate) local: bool,
    /// Whether the person is signed in and proves it once more.
    pub(crate) again: bool,
    /// The name that was typed before.
    pub(crate) typed: String,
}

/// A connection to sign in by.
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) href: String,
}

/// Asks for a code of the second factor, or a recovery code.
#[derive(Template)]
#[template(path = "code.html")]
pub(crate) struct CodePage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) title: &'static str,
    pub(crate) action: String,
    pub(crate) recovery: bool,
    /// Whether a code of an app is asked for.
    pub(crate) code: bool,
    /// Whether the person's security keys are all of another address, so that a recovery code is left.
    pub(crate) elsewhere: bool,
    /// What a security key answers.
    pub(crate) key: Option<KeyForm>,
    /// The other sort of code.
    pub(crate) other: String,
    /// The page to start again from.
    pub(crate) back: String,
}

/// Sets up the second factor.
#[derive(Template)]
#[template(path = "enrol.html")]
pub(crate) struct EnrolPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) action: String,
    /// The QR code as SVG; made of numbers by us, so it is written as it is.
    pub(crate) picture: String,
    /// The same secret as text, in groups of four.
    pub(crate) secret: String,
    /// What a security key answers, which may be set up instead.
    pub(crate) key: Option<KeyForm>,
    /// The name of the key that was typed before.
    pub(crate) name: String,
}

/// Shows recovery codes, once.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
pub(crate) struct RecoveryCodesPage {
    pub(crate) frame: Frame,
    pub(crate) codes: Vec<String>,
    pub(crate) onward: String,
}

/// Sets a password by invitation.
#[derive(Template)]
#[template(path = "invitation.html")]
pub(crate) struct InvitationPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) action: String,
}

/// The account and its sessions.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) frame: Frame,
    pub(crate) token: String,
    /// What was just done; empty when nothing was.
    pub(crate) said: &'static str,
    pub(crate) display: String,
    pub(crate) organization: String,
    pub(crate) way: String,
    pub(crate) roles: String,
    pub(crate) clinics: String,
    pub(crate) second_factor: bool,
    /// What the person may change here; `None` for those who come by an identity provider.
    pub(crate) credentials: Option<Credentials>,
    pub(crate) idle_minutes: i64,
    pub(crate) ends: String,
    pub(crate) sessions: Vec<SessionLine>,
    /// Whether there are others than this one.
    pub(crate) others: bool,
}

/// What proves that somebody with an account here is who they are.
pub(crate) struct Credentials {
    /// Whether an authenticator app is enrolled.
    pub(crate) authenticator: bool,
    /// How many security keys were added that can be used here.
    pub(crate) keys: usize,
    /// The newest of them, where it was added not long ago.
    pub(crate) new_key: Option<NewKey>,
    /// Whether keys can be used here, or some were added nevertheless.
    pub(crate) keys_offered: bool,
    /// Whether there is a second factor at all.
    pub(crate) second_factor: bool,
    /// Recovery codes that were not used yet.
    pub(crate) codes: usize,
}

/// A security key that was added not long ago: whoever did not add it is to notice.
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) added: String,
}

/// One session.
pub(crate) struct SessionLine {
    pub(crate) id: String,
    pub(crate) own: bool,
    pub(crate) started: String,
    pub(crate) seen: String,
    pub(crate) address: String,
}

/// Says something and leads on.
#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct NoticePage {
    pub(crate) frame: Frame,
    pub(crate) title: &'static str,
    pub(crate) paragraphs: Vec<&'static str>,
    pub(crate) onward: String,
    pub(crate) onward_words: &'static str,
}

/// Says what went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) frame: Frame,
    pub(crate) words: Words,
    /// The address of emergency access, where the person may ask for it.
    pub(crate) offer: Option<String>,
    pub(crate) onward: String,
    pub(crate) onward_words: &'static str,
}
