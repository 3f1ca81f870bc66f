//! Our requests to sign in.

use super::names::{ASSERTION, PERSISTENT, POST, PROTOCOL};
use super::refusal::Refusal;
use super::xml::escape;
use domain::id::RecordId;
use domain::ports::Entropy;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is asked of the identity provider beside signing in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// The person is to prove anew who they are, whatever session they have there.
    pub fresh: bool,
    /// One of these authentication contexts is to be used; empty: the identity provider decides.
    pub contexts: Vec<String>,
}

/// How we speak of ourselves and of people in a request.
pub(super) struct Manner<'a> {
    /// Our entity id.
    pub(super) entity_id: &'a str,
    /// Where the answer goes.
    pub(super) acs: &'a str,
    /// Whether people are known by the NameID, and not by an attribute.
    pub(super) by_name_id: bool,
}

/// A sign-in that was begun: where the browser goes, and what has to be kept until it is back.
pub struct Begun {
    /// Where the browser goes.
    pub redirect: String,
    /// What has to be kept, bound to the browser.
    pub pending: Pending,
}

/// What is kept of a request until it is answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The request's identifier.
    pub id: String,
    /// The connection it was made by.
    pub connection: RecordId,
    /// When it was made.
    pub issued: Timestamp,
    /// Whether the person was to prove anew who they are.
    pub fresh: bool,
}

/// Draws an identifier: `_` and 160 random bits, since an XML name does not begin with a digit.
///
/// # Errors
/// [`Refusal::Unavailable`] without randomness.
pub(super) fn draw_id(entropy: &dyn Entropy) -> Result<String, Refusal> {
    let mut bytes = [0; 20];
    entropy.fill(&mut bytes).map_err(|_| Refusal::Unavailable)?;
    Ok(bytes.iter().fold(String::from("_"), |id, byte| format!("{id}{byte:02x}")))
}

/// Renders an `AuthnRequest` (SAML Core §3.4.1).
///
/// Where it is by the NameID that people are known, the one format that is taken is asked for.
pub(super) fn render(id: &str, now: Timestamp, destination: &str, manner: &Manner<'_>, ask: &Ask) -> String {
    let Manner { entity_id, acs, by_name_id } = *manner;
    let format = if by_name_id { format!(" Format=\"{PERSISTENT}\"") } else { String::new() };
    let contexts: String = ask
        .contexts
        .iter()
        .map(|context| format!("<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>", escape(context)))
        .collect();
    let contexts = if contexts.is_empty() {
        contexts
    } else {
        format!("<samlp:RequestedAuthnContext Comparison=\"exact\">{contexts}</samlp:RequestedAuthnContext>")
    };
    let fresh = if ask.fresh { " ForceAuthn=\"true\"" } else { "" };
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{instant}\" Destination=\"{destination}\"{fresh} \
         AssertionConsumerServiceURL=\"{acs}\" ProtocolBinding=\"{POST}\">\
         <saml:Issuer>{entity}</saml:Issuer><samlp:NameIDPolicy{format} AllowCreate=\"true\"/>{contexts}</samlp:AuthnRequest>",
        instant = now.rfc3339(),
        destination = escape(destination),
        acs = escape(acs),
        entity = escape(entity_id),
    )
}
