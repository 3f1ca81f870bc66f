//! Which application asks, and whether it can prove it: by its keys, by its secret, or not at all where it is public.

use crate::journal::Origin;
use crate::refusal::{Face, Refused};
use crate::service::Service;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::directory::{Application, ApplicationUse};
use form::Form;
use zeroize::Zeroizing;

/// How an application shows who it is.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// In the form alone: an assertion, or its name.
    Form,
    /// In the header `Authorization`.
    Header(&'a str),
    /// In several headers, or in one that is no text.
    Unreadable,
}

impl Service {
    /// Finds the application that sent a form and authenticates it in the one way that it was registered for (RFC 6749 §2.3).
    ///
    /// It is enabled and may come from this address; what it may do is for the caller to say.
    pub(crate) async fn client(&self, origin: Origin, form: &Form, shown: Shown<'_>) -> Result<Application, Refused> {
        let several = Refused::new(Face::InvalidRequest, "several-credentials");
        let assertion = form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some();
        let application = match (shown, assertion, form.get("client_secret")) {
            (Shown::Form, true, None) => self.by_assertion(origin, form).await?,
            (Shown::Header(header), false, None) => self.by_secret(origin, form, header)?,
            (Shown::Form, false, None) => {
                let named = form.get("client_id").ok_or(Refused::new(Face::InvalidClient, "no-credentials"))?;
                self.public(origin, named)?
            }
            // A form may end in a log; a header is kept out of them (RFC 6749 §2.3.1).
            (Shown::Form, false, Some(_)) => return Err(Refused::new(Face::InvalidClient, "secret-in-form")),
            _ => return Err(several),
        };
        Ok(application)
    }

    /// Says whether a request neither names nor authenticates an application.
    pub(crate) fn nameless(&self, form: &Form, shown: Shown<'_>) -> bool {
        let members = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
        matches!(shown, Shown::Form) && members.iter().all(|name| form.get(name).is_none())
    }

    /// Authenticates by `Authorization: Basic`, name and secret each encoded as in a form (RFC 6749 §2.3.1).
    fn by_secret(&self, origin: Origin, form: &Form, header: &str) -> Result<Application, Refused> {
        let invalid = |reason| Refused::new(Face::InvalidClient, reason);
        let (name, secret) = read_basic(header).ok_or(invalid("basic-form"))?;
        if form.get("client_id").is_some_and(|named| named != name) {
            return Err(Refused::new(Face::InvalidRequest, "several-clients"));
        }
        let application = self.named(origin, &name)?;
        let invalid = |reason| invalid(reason).of(application.id);
        if !application.accepts_secret(&secret) {
            return Err(invalid("client-secret"));
        }
        if application.enabled { Ok(application) } else { Err(invalid("disabled-client")) }
    }

    /// Finds a public application, which nobody can prove to be; what protects it is the proof key of each code.
    pub(crate) fn public(&self, origin: Origin, name: &str) -> Result<Application, Refused> {
        let application = self.named(origin, name)?;
        let invalid = |reason| Refused::new(Face::InvalidClient, reason).of(application.id);
        let public = matches!(application.r#use, ApplicationUse::Launch { confidential: false, .. });
        match (public, application.enabled) {
            (true, true) => Ok(application),
            (true, false) => Err(invalid("disabled-client")),
            (false, _) => Err(invalid("no-credentials")),
        }
    }

    /// Finds an application by the text of its id and nothing that merely reads as it. One that comes from where its tenant lets nobody
    /// come from is refused here, before anything that it shows is looked at.
    pub(crate) fn named(&self, origin: Origin, name: &str) -> Result<Application, Refused> {
        let directory = self.directory();
        let invalid = |reason| Refused::new(Face::InvalidClient, reason);
        let found = directory.application_by_client_id(name).filter(|known| known.id.to_string() == name);
        let application = found.cloned().ok_or(invalid("unknown-client"))?;
        let allowed = directory.address_allowed(application.tenant, origin.peer);
        if allowed { Ok(application) } else { Err(invalid("address-not-allowed").of(application.id)) }
    }
}

fn read_basic(header: &str) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok()).flatten()?;
    let text = Zeroizing::new(String::from_utf8(decoded).ok()?);
    let (name, secret) = text.split_once(':')?;
    let mut decoded = form::pairs(&format!("{name}={secret}")).ok()?;
    let (name, secret) = decoded.pop().filter(|_| decoded.is_empty())?;
    Some((name, Zeroizing::new(secret)))
}
