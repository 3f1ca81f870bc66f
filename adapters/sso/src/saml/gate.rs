//! The strict check of a response before anything else looks at it: its bytes, its structure, where its signatures are.
//!
//! What passes has one meaning only: one root, at most one assertion and that directly in the root, each signature
//! directly in what it signs and referring to that alone. No C code has run by then.

use super::encrypted::Encrypted;
use super::facts::{AssertionFacts, ResponseFacts};
use super::names::{ASSERTION, DSIG, DSIG11, EXC_C14N, PROTOCOL, SUCCESS, XENC, XENC11, XSI};
use super::refusal::Refusal;
use super::signature;
use super::xml::{self, Element, Limits, is_ncname};
use std::collections::HashSet;
use std::ops::Range;

/// Most of everything in one message.
pub(super) const LIMITS: Limits =
    Limits { bytes: 256 * 1024, depth: 32, attributes: 32, elements: 5_000, comments: false };

/// A response that passed, and what it says.
pub struct Gated {
    /// What the response says around its assertion.
    pub response: ResponseFacts,
    /// What it holds.
    pub content: Content,
    /// Whether the response itself is signed.
    pub response_signed: bool,
    /// Where the signature of the response is in the document.
    pub(super) response_signature: Option<Range<usize>>,
}

/// What a response holds.
pub enum Content {
    /// An assertion in clear.
    Clear {
        /// What it says.
        assertion: Box<AssertionFacts>,
        /// Whether the assertion itself is signed.
        signed: bool,
    },
    /// An encrypted assertion.
    Encrypted {
        /// How, and the ciphertext.
        sealed: Encrypted,
        /// Where it is in the document.
        at: Range<usize>,
    },
}

/// Passes a response, or says what is wrong with it.
///
/// # Errors
/// [`Refusal`]: of the document, of its structure, of the form of its signatures, or [`Refusal::Status`].
pub fn pass(document: &[u8]) -> Result<Gated, Refusal> {
    let root = xml::read(document, &LIMITS)?;
    if !root.is(PROTOCOL, "Response") {
        return Err(Refusal::Root);
    }
    structure(&root)?;
    let response = ResponseFacts::read(&root)?;
    let mut contents = root.elements().filter(|element| is_assertion(element));
    let content = match (contents.next(), contents.next()) {
        (Some(content), None) => content,
        // A refusal of the identity provider comes without an assertion.
        (None, _) if response.status != SUCCESS => return Err(Refusal::Status),
        _ => return Err(Refusal::AssertionCount),
    };
    let response_signature = root.only(DSIG, "Signature").map(|signature| signature.at.clone());
    let content = if content.name == "Assertion" {
        let signed = content.only(DSIG, "Signature").is_some();
        Content::Clear { assertion: Box::new(AssertionFacts::read(content)?), signed }
    } else {
        Content::Encrypted { sealed: Encrypted::read(content)?, at: content.at.clone() }
    };
    Ok(Gated { response, content, response_signed: response_signature.is_some(), response_signature })
}

/// Passes a logout message of this name, or says what is wrong with it; it is signed by the query, never within.
///
/// # Errors
/// [`Refusal`].
pub(super) fn pass_logout(document: &[u8], name: &str) -> Result<Element, Refusal> {
    let root = xml::read(document, &LIMITS)?;
    if !root.is(PROTOCOL, name) {
        return Err(Refusal::Root);
    }
    structure(&root)?;
    if root.all(DSIG, "Signature").next().is_some() {
        return Err(Refusal::SignaturePlace);
    }
    Ok(root)
}

fn structure(root: &Element) -> Result<(), Refusal> {
    if root.attribute("Version") != Some("2.0") {
        return Err(Refusal::Version);
    }
    let mut seen = Seen::default();
    root.walk(&mut Vec::new(), &mut |path, element| seen.element(path, element))?;
    if root.attribute("ID").is_none() {
        return Err(Refusal::Id);
    }
    if seen.assertions > 1 { Err(Refusal::AssertionCount) } else { Ok(()) }
}

#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    assertions: usize,
}

impl Seen {
    fn element(&mut self, path: &[&Element], element: &Element) -> Result<(), Refusal> {
        self.identifiers(element)?;
        let within_extensions = path.get(1).is_some_and(|element| element.is(PROTOCOL, "Extensions"));
        match &*element.namespace {
            PROTOCOL | ASSERTION | DSIG | XENC | XENC11 | EXC_C14N if within_extensions => {
                return Err(misplaced(element));
            }
            XENC | XENC11 if path.iter().any(|outer| outer.is(DSIG, "Signature")) => return Err(Refusal::Foreign),
            PROTOCOL | ASSERTION | DSIG | XENC | XENC11 | EXC_C14N => {}
            DSIG11 if path.iter().any(|outer| outer.is(DSIG, "KeyInfo")) => {}
            // AD FS says for which certificate a key is wrapped in words of its own; keys are tried, not looked up.
            _ if within_extensions || path.iter().any(|outer| outer.is(XENC, "EncryptedKey")) => {}
            _ => return Err(Refusal::Foreign),
        }
        match (&*element.namespace, element.name.as_str()) {
            (ASSERTION, "Assertion" | "EncryptedAssertion") => {
                self.assertions = self.assertions.saturating_add(1);
                if path.len() == 1 { Ok(()) } else { Err(Refusal::AssertionPlace) }
            }
            (ASSERTION, "Advice") | (DSIG, "Object" | "Manifest" | "RetrievalMethod") => Err(Refusal::Foreign),
            (DSIG, "Signature") => {
                let parent = path.last().filter(|parent| signable(path, parent)).ok_or(Refusal::SignaturePlace)?;
                signature::check(parent, element)
            }
            (DSIG, "KeyInfo") => match path.last() {
                Some(parent) if parent.is(DSIG, "Signature") || &*parent.namespace == XENC => Ok(()),
                _ => Err(Refusal::Foreign),
            },
            (DSIG, "SignedInfo" | "SignatureValue" | "Reference") if !path.iter().any(|e| e.is(DSIG, "Signature")) => {
                Err(Refusal::Foreign)
            }
            _ => Ok(()),
        }
    }

    /// An identifier is an attribute `ID` without namespace; `Id` of XML Encryption is one as well.
    fn identifiers(&mut self, element: &Element) -> Result<(), Refusal> {
        for attribute in &element.attributes {
            if attribute.name.eq_ignore_ascii_case("id") {
                if !attribute.namespace.is_empty() || !is_ncname(&attribute.value) {
                    return Err(Refusal::Id);
                }
                if !self.ids.insert(attribute.value.clone()) {
                    return Err(Refusal::DuplicateId);
                }
            } else if !attribute.namespace.is_empty()
                && &*attribute.namespace != XSI
                && &*element.namespace == ASSERTION
                && element.name != "Attribute"
            {
                // What has a namespace of its own belongs to typed values and to the description of an attribute.
                return Err(Refusal::Shape);
            }
        }
        Ok(())
    }
}

fn is_assertion(element: &Element) -> bool {
    &*element.namespace == ASSERTION && matches!(element.name.as_str(), "Assertion" | "EncryptedAssertion")
}

/// Says what it means that an element of ours is within `Extensions`.
fn misplaced(element: &Element) -> Refusal {
    if element.is(DSIG, "Signature") {
        Refusal::SignaturePlace
    } else if is_assertion(element) {
        Refusal::AssertionPlace
    } else {
        Refusal::Foreign
    }
}

/// Says whether a signature may be in this element: the root, or the assertion directly in it.
fn signable(path: &[&Element], parent: &Element) -> bool {
    match path.len() {
        1 => &*parent.namespace == PROTOCOL,
        2 => parent.is(ASSERTION, "Assertion"),
        _ => false,
    }
}
