//! Signing out at both ends (SAML Profiles §4.4), by the redirect binding.

use super::facts::{NameId, ResponseFacts, time, value};
use super::judge::SKEW_SECONDS;
use super::names::{ASSERTION, PROTOCOL, SUCCESS};
use super::provider::{IdentityProvider, LogoutService};
use super::redirect::{self, Carried};
use super::refusal::Refusal;
use super::request::draw_id;
use super::urls::Urls;
use super::xml::{Element, escape};
use super::{ServiceProvider, gate, settings};
use domain::directory::Connection;
use domain::id::RecordId;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How an identity provider names a person and their session there: what a request to sign out names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// How it names the person.
    pub name_id: NameId,
    /// How it names the session.
    pub session_index: Option<String>,
}

/// A sign-out that was begun by us.
pub struct LogoutBegun {
    /// Where the browser goes.
    pub redirect: String,
    /// What has to be kept until it is back.
    pub id: String,
}

/// What came to our logout address.
pub enum LogoutMessage {
    /// The identity provider asks us to end sessions.
    Asked(LogoutAsked),
    /// It answers our request.
    Answered(LogoutAnswer),
}

/// A request of the identity provider to end sessions.
pub struct LogoutAsked {
    /// The request's identifier.
    pub id: String,
    /// The connection it came by.
    pub connection: RecordId,
    /// Who.
    pub name_id: NameId,
    /// Which sessions of theirs; none named: all.
    pub session_indexes: Vec<String>,
    /// What goes back with the answer.
    pub relay: Option<String>,
    /// The moment from which it would be refused anyway.
    until: Timestamp,
}

/// What became of a request to end sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// No session that it names goes on: they ended now, or were over before (SAML Core §3.7.3.1 asks for no more).
    Ended,
    /// Nobody is known here by the name it gives (`UnknownPrincipal`, SAML Core §3.2.2.2).
    UnknownPerson,
    /// Something did not answer, and sessions may go on.
    Failed,
}

impl LogoutOutcome {
    /// `PartialLogout` is not for us to say: by it a session authority tells that others did not sign out (SAML Core §3.2.2.2).
    fn status(self) -> String {
        let (first, second) = match self {
            Self::Ended => (SUCCESS, ""),
            Self::UnknownPerson => (
                "urn:oasis:names:tc:SAML:2.0:status:Requester",
                "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal\"/>",
            ),
            Self::Failed => ("urn:oasis:names:tc:SAML:2.0:status:Responder", ""),
        };
        format!("<samlp:Status><samlp:StatusCode Value=\"{first}\">{second}</samlp:StatusCode></samlp:Status>")
    }
}

/// An answer to our request.
pub struct LogoutAnswer {
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// Whether everybody signed the person out.
    pub success: bool,
    /// The handle that went with the request.
    pub relay: Option<String>,
}

impl ServiceProvider {
    /// Asks the identity provider to sign somebody out there too.
    ///
    /// # Errors
    /// [`Refusal::NoLogout`], [`Refusal::Metadata`], [`Refusal::Unavailable`].
    pub fn logout_begin(
        &self,
        connection: &Connection,
        urls: &Urls,
        logged_in: &LoggedIn,
        relay: &str,
    ) -> Result<LogoutBegun, Refusal> {
        let now = self.clock.now();
        let service = logout_service(connection, now)?;
        let id = draw_id(self.entropy.as_ref())?;
        let index = logged_in.session_index.as_ref();
        let index = index.map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(index)));
        let document = message(
            "LogoutRequest",
            &id,
            now,
            &service.request,
            "",
            urls.entity_id(settings(connection)?),
            &format!("{}{}", name_id(&logged_in.name_id), index.unwrap_or_default()),
        );
        let signing = self.keys.signing.first().ok_or(Refusal::Unavailable)?;
        let redirect = redirect::send(&service.request, Carried::Request, &document, Some(relay), signing)?;
        Ok(LogoutBegun { redirect, id })
    }

    /// Reads what came to our logout address: the raw query, the part behind `?`, undecoded.
    ///
    /// A request is good until [`ServiceProvider::logout_done`]: one that took effect by half may come again.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn logout_read(
        &self,
        connection: &Connection,
        urls: &Urls,
        raw_query: &str,
    ) -> Result<LogoutMessage, Refusal> {
        let now = self.clock.now();
        let settings = settings(connection)?;
        let provider = IdentityProvider::read(settings, now).map_err(|_| Refusal::Metadata)?;
        let received = redirect::receive(raw_query, &provider)?;
        match received.carried {
            Carried::Request => {
                let root = gate::pass_logout(&received.document, "LogoutRequest")?;
                addressed(&root, &provider, urls, now)?;
                let asked = asked(&root, connection.id, received.relay, now)?;
                if self.was_used(connection, "logout", [&provider.entity_id, &asked.id]).await? {
                    return Err(Refusal::Replay);
                }
                Ok(LogoutMessage::Asked(asked))
            }
            Carried::Response => {
                let root = gate::pass_logout(&received.document, "LogoutResponse")?;
                let facts = ResponseFacts::read(&root)?;
                addressed(&root, &provider, urls, now)?;
                let success = facts.status == SUCCESS;
                Ok(LogoutMessage::Answered(LogoutAnswer {
                    in_response_to: facts.in_response_to,
                    success,
                    relay: received.relay,
                }))
            }
        }
    }

    /// Remembers a request that took effect, so that it counts no more. Two who took the same one at once ended the same sessions.
    ///
    /// # Errors
    /// [`Refusal::Metadata`], [`Refusal::Unavailable`]; then it may come again.
    pub async fn logout_done(&self, connection: &Connection, asked: &LogoutAsked) -> Result<(), Refusal> {
        let issuer = settings(connection)?.idp_entity_id.as_str();
        match self.use_once(connection, "logout", [issuer, &asked.id], asked.until).await {
            Ok(()) | Err(Refusal::Replay) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Answers a request of the identity provider. Returns where the browser goes.
    ///
    /// # Errors
    /// [`Refusal::NoLogout`], [`Refusal::Metadata`], [`Refusal::Unavailable`].
    pub fn logout_answer(
        &self,
        connection: &Connection,
        urls: &Urls,
        asked: &LogoutAsked,
        outcome: LogoutOutcome,
    ) -> Result<String, Refusal> {
        let now = self.clock.now();
        let service = logout_service(connection, now)?;
        let id = draw_id(self.entropy.as_ref())?;
        let document = message(
            "LogoutResponse",
            &id,
            now,
            &service.response,
            &format!(" InResponseTo=\"{}\"", escape(&asked.id)),
            urls.entity_id(settings(connection)?),
            &outcome.status(),
        );
        let signing = self.keys.signing.first().ok_or(Refusal::Unavailable)?;
        redirect::send(&service.response, Carried::Response, &document, asked.relay.as_deref(), signing)
    }
}

/// Most sessions that one request may name.
const MAX_SESSIONS: usize = 100;

/// For how long after it was issued a request without an end of its own is taken, in seconds.
const MAX_AGE_SECONDS: i64 = 300;

fn logout_service(connection: &Connection, now: Timestamp) -> Result<LogoutService, Refusal> {
    let provider = IdentityProvider::read(settings(connection)?, now).map_err(|_| Refusal::Metadata)?;
    provider.logout.ok_or(Refusal::NoLogout)
}

fn addressed(root: &Element, provider: &IdentityProvider, urls: &Urls, now: Timestamp) -> Result<(), Refusal> {
    if root.only(ASSERTION, "Issuer").map(value).transpose()?.as_ref() != Some(&provider.entity_id) {
        return Err(Refusal::Issuer);
    }
    if root.attribute("Destination") != Some(&urls.slo) {
        return Err(Refusal::Destination);
    }
    match time(root, "IssueInstant")?.ok_or(Refusal::Time)? {
        issued if issued > now.plus_seconds(SKEW_SECONDS) => Err(Refusal::NotYetValid),
        issued if issued.plus_seconds(MAX_AGE_SECONDS) <= now => Err(Refusal::Expired),
        _ => Ok(()),
    }
}

fn asked(root: &Element, connection: RecordId, relay: Option<String>, now: Timestamp) -> Result<LogoutAsked, Refusal> {
    if root.all(ASSERTION, "EncryptedID").next().is_some() {
        return Err(Refusal::EncryptedPart);
    }
    let sessions: Vec<_> = root.all(PROTOCOL, "SessionIndex").map(value).collect::<Result<_, _>>()?;
    let head = root.elements().filter(|element| !element.is(PROTOCOL, "SessionIndex")).count();
    let known = [(ASSERTION, "Issuer"), (PROTOCOL, "Extensions"), (ASSERTION, "NameID")];
    let named = known.iter().filter(|(namespace, name)| root.only(namespace, name).is_some()).count();
    if !root.holds_elements_only() || head != named || sessions.len() > MAX_SESSIONS {
        return Err(Refusal::Shape);
    }
    let issued = time(root, "IssueInstant")?.ok_or(Refusal::Time)?;
    let end = time(root, "NotOnOrAfter")?;
    if end.is_some_and(|end| end.plus_seconds(SKEW_SECONDS) <= now) {
        return Err(Refusal::Expired);
    }
    Ok(LogoutAsked {
        id: root.attribute("ID").ok_or(Refusal::Id)?.to_owned(),
        connection,
        name_id: NameId::read(root.only(ASSERTION, "NameID").ok_or(Refusal::Subject)?)?,
        session_indexes: sessions,
        relay,
        until: issued.plus_seconds(MAX_AGE_SECONDS.saturating_add(SKEW_SECONDS)),
    })
}

fn message(
    name: &str,
    id: &str,
    now: Timestamp,
    destination: &str,
    more: &str,
    entity_id: &str,
    content: &str,
) -> String {
    format!(
        "<samlp:{name} xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{}\"{more}><saml:Issuer>{}</saml:Issuer>{content}</samlp:{name}>",
        now.rfc3339(),
        escape(destination),
        escape(entity_id),
    )
}

fn name_id(name_id: &NameId) -> String {
    let attributes: String = [
        ("NameQualifier", &name_id.name_qualifier),
        ("SPNameQualifier", &name_id.sp_name_qualifier),
        ("Format", &name_id.format),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.as_ref().map(|value| format!(" {name}=\"{}\"", escape(value))))
    .collect();
    format!("<saml:NameID{attributes}>{}</saml:NameID>", escape(&name_id.value))
}
