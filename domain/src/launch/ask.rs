//! The authorization request: read and judged before anybody is asked anything (RFC 6749 §4.1.1, SMART App Launch 2.2 §4).

use super::proof;
use super::wish::{MAX_WISHES, Wish, Word};
use crate::access::NotGranted;
use crate::directory::{Application, ApplicationUse, Directory};
use crate::id::{RecordId, TenantId};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt::Write;
use serde::{Deserialize, Serialize};

/// Longest `state`, `nonce` or `launch`, in bytes.
const MAX_TEXT_BYTES: usize = 1_024;
/// Longest `scope`, in bytes.
const MAX_SCOPE_BYTES: usize = 8 * 1_024;

/// A request that is in order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which application asks.
    pub application: RecordId,
    /// Its tenant, which must be that of whoever signs in.
    pub tenant: TenantId,
    /// Where the answer goes: one of the addresses that were registered.
    pub redirect_uri: String,
    /// What the application knows its own request by.
    pub state: String,
    /// What it asks for, as far as it was registered.
    pub wish: Wish,
    /// The hash of what it will prove itself by.
    pub challenge: String,
    /// The launch that it was opened with from a page of ours.
    pub launch: Option<String>,
    /// What it wants to see again in the ID token.
    pub nonce: Option<String>,
    /// Whether the person must prove anew who they are.
    pub prompt_login: bool,
    /// How long ago the person may have proved it, in seconds.
    pub max_age: Option<i64>,
}

impl Asked {
    /// Returns what tells the application that it does not get what it asked for.
    #[must_use]
    pub fn back(&self, error: Error, reason: &'static str) -> Back {
        Back {
            application: self.application,
            tenant: self.tenant,
            redirect_uri: self.redirect_uri.clone(),
            state: Some(self.state.clone()),
            error,
            reason,
        }
    }
}

/// What the application is told (RFC 6749 §4.1.2.1; OpenID Connect Core §3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The request lacks something, or has it in a form that is not taken.
    InvalidRequest,
    /// Somebody or something said no.
    AccessDenied,
    /// It asks for something other than a code.
    UnsupportedResponseType,
    /// Nothing of what it asks for may be had.
    InvalidScope,
    /// It wants nobody to be asked, and everybody is.
    InteractionRequired,
    /// It sends its request as a signed object.
    RequestNotSupported,
    /// It sends an address of its request.
    RequestUriNotSupported,
}

impl Error {
    /// Returns the word of the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Error::InvalidRequest => "invalid_request",
            Error::AccessDenied => "access_denied",
            Error::UnsupportedResponseType => "unsupported_response_type",
            Error::InvalidScope => "invalid_scope",
            Error::InteractionRequired => "interaction_required",
            Error::RequestNotSupported => "request_not_supported",
            Error::RequestUriNotSupported => "request_uri_not_supported",
        }
    }
}

/// Why a request leads nowhere.
pub enum Fault {
    /// It is not known whom it would be safe to answer: the person is told, and nobody is redirected (RFC 6749 §4.1.2.1).
    Here {
        /// The word for the audit chain.
        reason: &'static str,
        /// The application that was named, if there is one.
        application: Option<RecordId>,
    },
    /// The application is told.
    There(Box<Back>),
}

/// An answer to the application that is no code.
#[derive(Clone, PartialEq, Eq)]
pub struct Back {
    /// The application.
    pub application: RecordId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What the application knows its request by.
    pub state: Option<String>,
    /// What it is told.
    pub error: Error,
    /// The word for the audit chain.
    pub reason: &'static str,
}

impl Back {
    /// Returns the address of the answer; `issuer` says who answers (RFC 9207).
    #[must_use]
    pub fn address(&self, issuer: &str) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let answer = [Some(("error", self.error.name())), state, Some(("iss", issuer))];
        answer_address(&self.redirect_uri, answer.into_iter().flatten())
    }
}

/// Adds the members of an answer to an address, behind the query that it may have (RFC 6749 §3.1.2).
#[must_use]
pub fn answer_address<'a>(address: &str, members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = address.to_string();
    for (name, value) in members {
        let mark = match (out.contains('?'), out.ends_with('?')) {
            (false, _) => "?",
            (true, true) => "",
            (true, false) => "&",
        };
        out.push_str(mark);
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Reads a request. `get` returns a parameter, once decoded and known to stand there once; `base` is our FHIR address.
///
/// The application and the address of the answer come first: until both are known to be registered, nobody is sent anywhere.
///
/// # Errors
/// [`Fault`].
pub fn read<'a>(get: &dyn Fn(&str) -> Option<&'a str>, directory: &Directory, base: &str) -> Result<Asked, Fault> {
    let here = |reason, application| Fault::Here { reason, application };
    let client_id = get("client_id").ok_or(here("no-client", None))?;
    // The text of an id and nothing that merely reads as it: the name is compared exactly.
    let application = directory.application_by_client_id(client_id).filter(|known| known.id.to_string() == client_id);
    let application = application.ok_or(here("unknown-client", None))?;
    let here = |reason| here(reason, Some(application.id));
    let ApplicationUse::Launch { redirect_uris, .. } = &application.r#use else {
        return Err(here("not-launched"));
    };
    let redirect_uri = get("redirect_uri").ok_or(here("no-redirect"))?;
    if !redirect_uris.iter().any(|known| known == redirect_uri) {
        return Err(here("redirect"));
    }
    if !application.enabled {
        return Err(here("disabled-client"));
    }
    let state = get("state").filter(|state| state.len() <= MAX_TEXT_BYTES);
    judge(get, application, redirect_uri, state, base).map_err(|(error, reason)| {
        Fault::There(Box::new(Back {
            application: application.id,
            tenant: application.tenant,
            redirect_uri: redirect_uri.to_string(),
            state: state.map(ToString::to_string),
            error,
            reason,
        }))
    })
}

fn judge<'a>(
    get: &dyn Fn(&str) -> Option<&'a str>,
    application: &Application,
    redirect_uri: &str,
    state: Option<&str>,
    base: &str,
) -> Result<Asked, (Error, &'static str)> {
    let invalid = |reason| (Error::InvalidRequest, reason);
    if get("request").is_some() {
        return Err((Error::RequestNotSupported, "request-object"));
    }
    if get("request_uri").is_some() {
        return Err((Error::RequestUriNotSupported, "request-object"));
    }
    match get("response_type") {
        Some("code") => {}
        Some(_) => return Err((Error::UnsupportedResponseType, "response-type")),
        None => return Err(invalid("no-response-type")),
    }
    if get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid("response-mode"));
    }
    let state = state.ok_or(invalid("no-state"))?;
    // The token would be good here alone; an application that means another server was led astray (SMART App Launch 2.2 §4.2).
    let audience = get("aud").ok_or(invalid("no-audience"))?;
    if audience.strip_suffix('/').unwrap_or(audience) != base {
        return Err(invalid("audience"));
    }
    let challenge = get("code_challenge").ok_or(invalid("no-challenge"))?;
    if get("code_challenge_method") != Some("S256") {
        return Err(invalid("challenge-method"));
    }
    if !proof::is_challenge(challenge) {
        return Err(invalid("challenge"));
    }
    let text = |name: &str| match get(name) {
        Some(text) if text.len() > MAX_TEXT_BYTES => Err(invalid("too-long")),
        other => Ok(other.map(ToString::to_string)),
    };
    let (nonce, launch) = (text("nonce")?, text("launch")?);
    let max_age = get("max_age").map(|text| text.parse().ok().filter(|age: &i64| *age >= 0).ok_or(invalid("max-age")));
    let max_age = max_age.transpose()?;
    let mut prompt_login = false;
    for prompt in get("prompt").into_iter().flat_map(|prompt| prompt.split(' ')) {
        match prompt {
            "none" => return Err((Error::InteractionRequired, "prompt-none")),
            "login" => prompt_login = true,
            // Everybody is asked for consent every time, and who they are is known by their sign-in.
            _ => {}
        }
    }
    let scope = get("scope").filter(|scope| scope.len() <= MAX_SCOPE_BYTES);
    let scope = scope.ok_or((Error::InvalidScope, "no-scope"))?;
    let wish = Wish::read(scope, &application.scopes).map_err(|not| match not {
        NotGranted::Malformed => (Error::InvalidScope, "scope-malformed"),
        NotGranted::Nothing => (Error::InvalidScope, "scope-not-registered"),
    })?;
    if launch.is_some() && !wish.has(Word::Launch) {
        return Err((Error::InvalidScope, "launch-not-asked-for"));
    }
    let in_context = launch.is_some() || wish.has(Word::LaunchPatient);
    let wish = if in_context { wish } else { wish.without_patient() };
    if wish.is_empty() {
        return Err((Error::InvalidScope, "no-launch-context"));
    }
    if wish.count() > MAX_WISHES {
        return Err((Error::InvalidScope, "too-many-scopes"));
    }
    Ok(Asked {
        application: application.id,
        tenant: application.tenant,
        redirect_uri: redirect_uri.to_string(),
        state: state.to_string(),
        wish,
        challenge: challenge.to_string(),
        launch,
        nonce,
        prompt_login,
        max_age,
    })
}
