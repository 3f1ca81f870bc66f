//! From a posted response to a verified assertion.

use super::decrypt;
use super::facts::{AssertionFacts, ResponseFacts};
use super::gate::{self, Content, Gated, LIMITS};
use super::judge::{self, Expected};
use super::logout::LoggedIn;
use super::names::{ASSERTION, PROTOCOL};
use super::provider::IdentityProvider;
use super::refusal::Refusal;
use super::request::Pending;
use super::urls::Urls;
use super::xml::{self, Element, Limits};
use super::{Encrypted, ServiceProvider, settings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::directory::Connection;
use domain::identity::Assertion;
use domain::ticket::{TicketKey, TicketKind};
use domain::time::Timestamp;
use std::ops::Range;
use zeroize::Zeroizing;

/// Who signed in, and what it takes to sign them out there.
pub struct Verified {
    /// What the identity provider vouches for.
    pub assertion: Assertion,
    /// What a later request to sign out has to name; absent where it named nobody but by an attribute.
    pub logged_in: Option<LoggedIn>,
}

impl ServiceProvider {
    /// Finishes a sign-in with the parameter `SAMLResponse` of a posted form, decoded once from the form.
    ///
    /// `pending` is what was kept for the browser that posts. An assertion is good for one call, on one gateway.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn finish(
        &self,
        connection: &Connection,
        urls: &Urls,
        pending: Option<&Pending>,
        saml_response: &str,
    ) -> Result<Verified, Refusal> {
        let document = decode(saml_response)?;
        let settings = settings(connection)?;
        // What nobody asked for costs no process of verification.
        if pending.is_none() && !settings.allow_unsolicited {
            return Err(Refusal::Unsolicited);
        }
        let now = self.clock.now();
        let provider = IdentityProvider::read(settings, now).map_err(|_| Refusal::Metadata)?;
        let entity_id = urls.entity_id(settings);
        let expected = Expected { connection, settings, entity_id, acs: &urls.acs, pending, now };
        let gated = gate::pass(document.as_bytes())?;
        // Nothing is believed yet; what does not even say that it answers this browser costs no process. It is judged again below.
        judge::request(&gated.response, &expected)?;
        let facts = self.facts(&document, gated, &provider, settings.want_encrypted).await?;
        let judged = judge::judge(&facts.response, &facts.assertion, &expected)?;
        let used = [facts.assertion.issuer.as_str(), facts.assertion.id.as_str()];
        self.use_once(connection, "assertion", used, judged.usable_until).await?;
        let session_index = judged.assertion.provider_session.clone();
        let logged_in = judged.name_id.map(|name_id| LoggedIn { name_id, session_index });
        Ok(Verified { assertion: judged.assertion, logged_in })
    }

    /// Says whether an identifier of an issuer was marked as used.
    pub(super) async fn was_used(
        &self,
        connection: &Connection,
        what: &str,
        [issuer, id]: [&str; 2],
    ) -> Result<bool, Refusal> {
        let found = self.book.find::<()>(TicketKind::Used, self.used_key(connection, what, [issuer, id])).await;
        found.map(|found| found.is_some()).map_err(|_| Refusal::Unavailable)
    }

    fn used_key(&self, connection: &Connection, what: &str, [issuer, id]: [&str; 2]) -> TicketKey {
        let by = connection.id.as_bytes();
        self.book.keys.key(TicketKind::Used, &[b"saml", what.as_bytes(), by, issuer.as_bytes(), id.as_bytes()])
    }

    /// Marks an identifier of an issuer as used until the moment from which it would be refused anyway.
    pub(super) async fn use_once(
        &self,
        connection: &Connection,
        what: &str,
        [issuer, id]: [&str; 2],
        until: Timestamp,
    ) -> Result<(), Refusal> {
        let by = connection.id.as_bytes();
        let key = self.used_key(connection, what, [issuer, id]);
        let owner = self.book.keys.owner("connection", &[by]);
        let first = self.book.put(TicketKind::Used, connection.tenant, key, owner, until, &()).await;
        match first {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Replay),
            Err(_) => Err(Refusal::Unavailable),
        }
    }

    /// Returns what is verified of a document.
    async fn facts(
        &self,
        document: &str,
        gated: Gated,
        provider: &IdentityProvider,
        want_encrypted: bool,
    ) -> Result<Facts, Refusal> {
        match &gated.content {
            Content::Clear { .. } if want_encrypted => Err(Refusal::NotEncrypted),
            Content::Clear { assertion, signed } if gated.response_signed || *signed => {
                let read = Facts { response: gated.response.clone(), assertion: assertion.clone() };
                self.same(document, &read, gated.response_signed, provider).await?;
                Ok(read)
            }
            Content::Clear { .. } => Err(Refusal::Unsigned),
            Content::Encrypted { sealed, at } if gated.response_signed => {
                self.covered(document, &gated, sealed, at, provider).await
            }
            Content::Encrypted { sealed, at } => self.uncovered(document, sealed, at, provider).await,
        }
    }

    /// The signature of the response covers the ciphertext; it is verified before anything is opened.
    async fn covered(
        &self,
        document: &str,
        gated: &Gated,
        sealed: &Encrypted,
        at: &Range<usize>,
        provider: &IdentityProvider,
    ) -> Result<Facts, Refusal> {
        let signed = self.verifier.verify(document, &provider.certificates).await?;
        let root = reread(&signed)?;
        let same = root.is(PROTOCOL, "Response")
            && ResponseFacts::read(&root).is_ok_and(|verified| verified == gated.response)
            && root.only(ASSERTION, "EncryptedAssertion").and_then(|element| Encrypted::read(element).ok()).as_ref()
                == Some(sealed);
        if !same {
            return Err(Refusal::Disagreement);
        }
        let clear = decrypt::open(sealed, &self.keys.encryption, self.entropy.as_ref())?;
        // Without its signature, which was over the ciphertext and has done its work.
        let spliced = splice(document, at, &clear, gated.response_signature.as_ref())?;
        let (inner, signed) = opened(&spliced)?;
        if signed {
            let verified = self.same(&spliced, &inner, false, provider).await;
            verified.map_err(concealed)?;
        }
        Ok(Facts { response: gated.response.clone(), assertion: inner.assertion })
    }

    /// Only what is within is signed. Anybody can have encrypted it, so no failure tells from another.
    async fn uncovered(
        &self,
        document: &str,
        sealed: &Encrypted,
        at: &Range<usize>,
        provider: &IdentityProvider,
    ) -> Result<Facts, Refusal> {
        let clear = decrypt::open(sealed, &self.keys.encryption, self.entropy.as_ref());
        let spliced = clear.and_then(|clear| splice(document, at, &clear, None));
        let inner = spliced.and_then(|spliced| match opened(&spliced)? {
            (inner, true) => Ok((spliced, inner)),
            (_, false) => Err(Refusal::Unsigned),
        });
        match inner {
            Ok((spliced, inner)) => {
                self.same(&spliced, &inner, false, provider).await.map_err(concealed)?;
                Ok(inner)
            }
            Err(why) => {
                // A helper is started for nothing, so that time does not tell how far the work went.
                let _ = self.verifier.verify(document, &provider.certificates).await;
                Err(concealed(why))
            }
        }
    }

    /// Verifies a document and holds what was verified against what was read.
    async fn same(
        &self,
        document: &str,
        read: &Facts,
        whole: bool,
        provider: &IdentityProvider,
    ) -> Result<(), Refusal> {
        let signed = self.verifier.verify(document, &provider.certificates).await?;
        let root = reread(&signed)?;
        let assertion = if whole && root.is(PROTOCOL, "Response") {
            let same = ResponseFacts::read(&root).is_ok_and(|verified| verified == read.response);
            root.only(ASSERTION, "Assertion").filter(|_| same)
        } else {
            Some(&root).filter(|root| !whole && root.is(ASSERTION, "Assertion"))
        };
        let verified = assertion.and_then(|assertion| AssertionFacts::read(assertion).ok());
        if verified.as_ref() == Some(&*read.assertion) { Ok(()) } else { Err(Refusal::Disagreement) }
    }
}

struct Facts {
    response: ResponseFacts,
    assertion: Box<AssertionFacts>,
}

/// Whether a refusal is about us and not about the message, so that it may be told.
const fn passing(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Unavailable | Refusal::Busy)
}

/// Everything that is wrong with what was encrypted is one refusal.
fn concealed(refusal: Refusal) -> Refusal {
    if passing(refusal) { refusal } else { Refusal::EncryptedAssertion }
}

fn decode(saml_response: &str) -> Result<Zeroizing<String>, Refusal> {
    // Four characters for three bytes, and line ends.
    if saml_response.len() > LIMITS.bytes.saturating_mul(3).div_euclid(2) {
        return Err(Refusal::TooLarge);
    }
    let text: Vec<u8> = saml_response.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(text).map_err(|_| Refusal::NotBase64)?;
    if bytes.len() > LIMITS.bytes {
        return Err(Refusal::TooLarge);
    }
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| Refusal::NotUtf8)
}

/// Puts the opened assertion where the encrypted one was, and leaves a part before it out.
fn splice(
    document: &str,
    at: &Range<usize>,
    clear: &str,
    without: Option<&Range<usize>>,
) -> Result<Zeroizing<String>, Refusal> {
    let part = |range: Range<usize>| document.get(range).ok_or(Refusal::EncryptedAssertion);
    let none = 0..0;
    let without = without.unwrap_or(&none);
    let mut spliced = Zeroizing::new(String::with_capacity(document.len().saturating_add(clear.len())));
    for piece in [part(0..without.start)?, part(without.end..at.start)?, clear, part(at.end..document.len())?] {
        spliced.push_str(piece);
    }
    Ok(spliced)
}

/// Passes a spliced document through the gate. Says whether the assertion is signed.
fn opened(spliced: &str) -> Result<(Facts, bool), Refusal> {
    let gated = gate::pass(spliced.as_bytes())?;
    match gated.content {
        Content::Clear { assertion, signed } => Ok((Facts { response: gated.response, assertion }, signed)),
        Content::Encrypted { .. } => Err(Refusal::EncryptedAssertion),
    }
}

/// Reads what was verified; it is written anew by libxml2, with more namespace declarations than came.
fn reread(signed: &str) -> Result<Element, Refusal> {
    let limits = Limits { bytes: 1 << 20, attributes: 64, ..LIMITS };
    xml::read(signed.trim().as_bytes(), &limits).map_err(|_| Refusal::Disagreement)
}
