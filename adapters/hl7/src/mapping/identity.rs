//! Identifiers and the authorities that gave them, and how such texts are written into URIs.

use std::borrow::Cow;

use r4::json::Object;
use r4::tables::{authority_uri, uri};

use super::scope::Scope;
use crate::message::{Component, Repetition};

/// An identifier with its authority: CX, EI, XCN and XON carry one each.
#[derive(Clone)]
pub(super) struct Identity<'m> {
    pub(super) value: Cow<'m, str>,
    pub(super) namespace: Cow<'m, str>,
    pub(super) universal: Cow<'m, str>,
    pub(super) universal_type: Cow<'m, str>,
    pub(super) kind: Cow<'m, str>,
}

impl<'m> Identity<'m> {
    /// Reads CX, XCN or XON: value, authority (HD) and type from these components.
    pub(super) fn of(repetition: Repetition<'m>, value: usize, authority: usize, kind: usize) -> Option<Self> {
        if repetition.is_empty() {
            return None;
        }
        let text = repetition.component(value).sub(1).text();
        if text.trim().is_empty() {
            return None;
        }
        let authority = repetition.component(authority);
        Some(Self {
            value: trimmed(text),
            namespace: trimmed(authority.sub(1).text()),
            universal: trimmed(authority.sub(2).text()),
            universal_type: trimmed(authority.sub(3).text()),
            kind: trimmed(repetition.component(kind).text()),
        })
    }

    /// Reads EI: four components.
    pub(super) fn entity(repetition: Repetition<'m>) -> Option<Self> {
        Self::from_parts(|number| repetition.component(number))
    }

    /// Reads EI inside one component of EIP: four subcomponents.
    pub(super) fn nested(component: Component<'m>) -> Option<Self> {
        Self::from_parts(|number| component.sub(number))
    }

    fn from_parts(part: impl Fn(usize) -> Component<'m>) -> Option<Self> {
        let value = part(1).sub(1).text();
        if value.trim().is_empty() {
            return None;
        }
        Some(Self {
            value: trimmed(value),
            namespace: trimmed(part(2).text()),
            universal: trimmed(part(3).text()),
            universal_type: trimmed(part(4).text()),
            kind: Cow::Borrowed(""),
        })
    }

    /// Whether an authority was named at all.
    pub(super) fn has_authority(&self) -> bool {
        !self.namespace.is_empty() || !self.universal.is_empty()
    }

    /// The identifier system.
    ///
    /// In this order: what the sender's profile says, what FHIR's registry knows, the universal id as a URI, else an address
    /// below the sender's own: the same short name at two senders is not the same authority, and a number without any counts for
    /// its sender only.
    pub(super) fn system(&self, scope: &Scope<'_>) -> Cow<'static, str> {
        if let Some(address) = self.registered(scope) {
            return address;
        }
        if let Some(address) = universal_uri(&self.universal, &self.universal_type) {
            return address;
        }
        if !self.has_authority() && self.kind.eq_ignore_ascii_case("NPI") {
            return Cow::Borrowed("http://hl7.org/fhir/sid/us-npi");
        }
        let name = if self.namespace.is_empty() { &self.universal } else { &self.namespace };
        if name.is_empty() { Cow::Owned(format!("{}:authority", scope.local)) } else { local_authority(name, scope) }
    }

    /// The authority as part of the name of what it identifies.
    ///
    /// It is the system, except that a short name counts before a universal id that nobody registered: senders add and leave out the
    /// universal id (`HARBOUR`, `HARBOUR&1.2.3&ISO`), and both name one thing (HL7 v2.5.1 §2.A.33). So an authority that two senders share
    /// has to stand in the profiles of both.
    pub(super) fn authority(&self, scope: &Scope<'_>) -> Cow<'static, str> {
        match self.registered(scope) {
            Some(address) => address,
            None if self.namespace.is_empty() => self.system(scope),
            None => local_authority(&self.namespace, scope),
        }
    }

    /// What the sender's profile says the authority is, else FHIR's registry.
    fn registered(&self, scope: &Scope<'_>) -> Option<Cow<'static, str>> {
        [&self.universal, &self.namespace].into_iter().filter(|name| !name.is_empty()).find_map(|name| {
            let own = scope.sender.authorities.get(name.as_ref()).map(|address| Cow::Owned(address.clone()));
            own.or_else(|| authority_uri(name).map(Cow::Borrowed))
        })
    }

    /// Writes the members of an Identifier, of type `kind` where the identifier names none itself.
    pub(super) fn write(&self, json: &mut Object<'_>, scope: &Scope<'_>, kind: &str) {
        let kind = if kind.is_empty() { self.kind.as_ref() } else { kind };
        if !kind.is_empty() {
            json.object("type", |json| {
                json.single("coding", |coding| {
                    coding.text("system", uri::V2_0203);
                    coding.code("code", kind);
                });
            });
        }
        json.text("system", &self.system(scope));
        json.text("value", &self.value);
        if !self.namespace.is_empty() {
            json.object("assigner", |assigner| assigner.text("display", &self.namespace));
        }
    }
}

/// An authority that means something only beside this sender's name.
fn local_authority(name: &str, scope: &Scope<'_>) -> Cow<'static, str> {
    Cow::Owned(format!("{}:authority:{}", scope.local, percent(name)))
}

/// A universal id (HD.2 with HD.3) as a URI.
fn universal_uri(id: &str, kind: &str) -> Option<Cow<'static, str>> {
    let is_oid = || {
        id.contains('.') && id.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let has_scheme = || ["http://", "https://", "urn:"].iter().any(|scheme| id.starts_with(scheme));
    match kind.to_ascii_uppercase().as_str() {
        "UUID" | "GUID" => Some(Cow::Owned(format!("urn:uuid:{}", id.to_ascii_lowercase()))),
        _ if is_oid() => Some(Cow::Owned(format!("urn:oid:{id}"))),
        _ if has_scheme() && !id.contains(char::is_whitespace) => Some(Cow::Owned(id.to_owned())),
        "DNS" if !id.is_empty() => Some(Cow::Owned(format!("urn:dns:{}", percent(id)))),
        _ => None,
    }
}

/// Writes a text so that it may stand in a URI.
pub(super) fn percent(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

/// Trims without copying what is borrowed.
pub(super) fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}
