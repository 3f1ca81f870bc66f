//! The one form of an XML signature that is passed on to be verified.
//!
//! ```text
//!   Issuer, then Signature
//!     SignedInfo
//!       CanonicalizationMethod    exclusive, without comments
//!       SignatureMethod           RSA or ECDSA with SHA-256, SHA-384 or SHA-512
//!       Reference "#parent"       exactly one
//!         Transforms              enveloped-signature, then exclusive canonicalisation
//!         DigestMethod            SHA-256, SHA-384 or SHA-512
//!         DigestValue
//!     SignatureValue
//!     KeyInfo                     passed over: keys come from the pinned metadata alone
//! ```

use super::names::{
    ASSERTION, DSIG, ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, ENVELOPED, EXC_C14N, RSA_SHA256, RSA_SHA384, RSA_SHA512,
    SHA256, SHA384, SHA512,
};
use super::refusal::Refusal;
use super::xml::Element;

/// Checks the place and form of a signature in its parent.
///
/// # Errors
/// [`Refusal::SignaturePlace`], [`Refusal::SignatureForm`], [`Refusal::SignatureReference`],
/// [`Refusal::SignatureTransform`], [`Refusal::SignatureAlgorithm`].
pub(super) fn check(parent: &Element, signature: &Element) -> Result<(), Refusal> {
    let mut children = parent.elements();
    let issued = children.next().is_some_and(|first| first.is(ASSERTION, "Issuer"));
    if !issued || !children.next().is_some_and(|second| second.at == signature.at) {
        return Err(Refusal::SignaturePlace);
    }
    if parent.all(DSIG, "Signature").count() != 1 {
        return Err(Refusal::SignaturePlace);
    }
    let id = parent.attribute("ID").ok_or(Refusal::Id)?;
    let parts = parts(signature)?;
    let [info, value, rest @ ..] = parts.as_slice() else { return Err(Refusal::SignatureForm) };
    named(info, "SignedInfo")?;
    text(value, "SignatureValue")?;
    match rest {
        [] => {}
        [key] if key.is(DSIG, "KeyInfo") => {}
        _ => return Err(Refusal::SignatureForm),
    }
    signed_info(info, id)
}

fn signed_info(info: &Element, id: &str) -> Result<(), Refusal> {
    if info.all(DSIG, "Reference").count() != 1 {
        return Err(Refusal::SignatureReference);
    }
    let parts = parts(info)?;
    let [canonical, method, reference] = parts.as_slice() else { return Err(Refusal::SignatureForm) };
    named(canonical, "CanonicalizationMethod")?;
    named(method, "SignatureMethod")?;
    if canonical.attribute("Algorithm") != Some(EXC_C14N) {
        return Err(Refusal::SignatureTransform);
    }
    inclusive_namespaces(canonical)?;
    match method.attribute("Algorithm") {
        Some(RSA_SHA256 | RSA_SHA384 | RSA_SHA512 | ECDSA_SHA256 | ECDSA_SHA384 | ECDSA_SHA512) => {}
        _ => return Err(Refusal::SignatureAlgorithm),
    }
    empty(method)?;
    if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err(Refusal::SignatureReference);
    }
    self::reference(reference)
}

fn reference(reference: &Element) -> Result<(), Refusal> {
    let parts = parts(reference)?;
    let [transforms, method, value] = parts.as_slice() else { return Err(Refusal::SignatureForm) };
    named(transforms, "Transforms")?;
    named(method, "DigestMethod")?;
    text(value, "DigestValue")?;
    if !matches!(method.attribute("Algorithm"), Some(SHA256 | SHA384 | SHA512)) {
        return Err(Refusal::SignatureAlgorithm);
    }
    empty(method)?;
    let applied = self::parts(transforms)?;
    let [enveloped, canonical] = applied.as_slice() else { return Err(Refusal::SignatureTransform) };
    named(enveloped, "Transform")?;
    named(canonical, "Transform")?;
    if enveloped.attribute("Algorithm") != Some(ENVELOPED) || canonical.attribute("Algorithm") != Some(EXC_C14N) {
        return Err(Refusal::SignatureTransform);
    }
    empty(enveloped).map_err(|_| Refusal::SignatureTransform)?;
    inclusive_namespaces(canonical)
}

/// Exclusive canonicalisation may name prefixes that are kept nevertheless, in one empty element.
fn inclusive_namespaces(method: &Element) -> Result<(), Refusal> {
    match parts(method)?.as_slice() {
        [] => Ok(()),
        [list] if list.is(EXC_C14N, "InclusiveNamespaces") && list.elements().next().is_none() => Ok(()),
        _ => Err(Refusal::SignatureTransform),
    }
}

fn parts(element: &Element) -> Result<Vec<&Element>, Refusal> {
    if element.holds_elements_only() { Ok(element.elements().collect()) } else { Err(Refusal::SignatureForm) }
}

fn named(element: &Element, name: &str) -> Result<(), Refusal> {
    if element.is(DSIG, name) { Ok(()) } else { Err(Refusal::SignatureForm) }
}

fn text(element: &Element, name: &str) -> Result<(), Refusal> {
    named(element, name)?;
    if element.text().is_some_and(|text| !text.is_empty()) { Ok(()) } else { Err(Refusal::SignatureForm) }
}

fn empty(element: &Element) -> Result<(), Refusal> {
    if element.text() == Some("") { Ok(()) } else { Err(Refusal::SignatureForm) }
}
