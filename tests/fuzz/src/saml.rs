//! What reads SAML responses, and what makes them: taken in by path, so that the rest of sign-on need not be built.
//!
//! The verifier is samael with xmlsec and libxml2, called here without the confinement that it has in the gateway: a crash of that C
//! code on something that the gate passed is a finding.

#[path = "../../../adapters/sso/src/saml/encrypted.rs"]
pub mod encrypted;
#[path = "../../../adapters/sso/src/saml/facts.rs"]
pub mod facts;
#[path = "../../../adapters/sso/src/saml/gate.rs"]
pub mod gate;
#[path = "../../../adapters/sso/src/saml/names.rs"]
pub mod names;
#[path = "../../../adapters/sso/src/saml/refusal.rs"]
pub mod refusal;
#[path = "../../../adapters/sso/src/saml/signature.rs"]
pub mod signature;
#[path = "../../../adapters/sso/src/saml/xml.rs"]
pub mod xml;

/// An identity provider that says and signs whatever it is told.
#[path = "../../../adapters/sso/tests/saml/provider.rs"]
pub mod provider;

mod changing;
mod second;

pub use changing::change;

use domain::time::Timestamp;
use facts::{AssertionFacts, ResponseFacts};
use gate::{Content, Gated};
use names::{ASSERTION, PROTOCOL};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::X509;
use provider::{ECDSA_SHA256, Form, Says, Signing, put, sign, signature};
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};
use std::sync::LazyLock;
use xml::Limits;

/// As the helper of the gateway allows.
const ALLOWED: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

static IDP: LazyLock<Signing> = LazyLock::new(signing);

/// What the identity provider signed: nobody else can sign, so nothing else may ever verify.
static GENUINE: LazyLock<Vec<Gated>> =
    LazyLock::new(|| made().iter().map(|document| gate::pass(document).ok().expect("what is genuine passes")).collect());

/// Passes the bytes through the gate, and holds what passes to another reader of XML.
pub fn passes(input: &[u8]) {
    let Ok(gated) = gate::pass(input) else { return };
    let document = str::from_utf8(input).expect("what passes is UTF-8");
    let ours = xml::read(input, &gate::LIMITS).ok().expect("what passed is read");
    let tree = roxmltree::Document::parse(document).expect("what passes is XML to every reader");
    second::same(&ours, tree.root_element());
    second::says_the_same(&gated, &tree);
}

/// Holds the gate and the verifier to each other.
pub fn agrees(input: &[u8]) {
    let Ok(gated) = gate::pass(input) else { return };
    let document = str::from_utf8(input).expect("what passes is UTF-8");
    let Content::Clear { assertion, signed } = &gated.content else { return };
    if !gated.response_signed && !signed {
        return;
    }
    let Some(reduced) = verified(document) else { return };
    let limits = Limits { bytes: 1 << 20, attributes: 64, ..gate::LIMITS };
    let root = xml::read(reduced.trim().as_bytes(), &limits).ok().expect("what was verified is read");
    let verified = if gated.response_signed {
        assert!(root.is(PROTOCOL, "Response"), "a signed response is what was verified");
        let facts = ResponseFacts::read(&root).ok().expect("its facts");
        assert!(facts == gated.response, "the response says something else");
        root.only(ASSERTION, "Assertion").expect("one assertion")
    } else {
        assert!(root.is(ASSERTION, "Assertion"), "a signed assertion is what was verified");
        &root
    };
    let verified = AssertionFacts::read(verified).ok().expect("its facts");
    assert!(verified == **assertion, "the assertion says something else");
    assert!(GENUINE.iter().any(|genuine| was_signed(&gated, genuine)), "something verifies that nobody signed");
}

/// Checks that what is genuine verifies: else nothing would be looked at.
pub fn prove() {
    let made = made();
    let (signed, unsigned) = made.split_at(3);
    let verifies = |document: &Vec<u8>| verified(str::from_utf8(document).expect("text")).is_some();
    assert!(signed.iter().all(verifies) && !unsigned.iter().any(verifies), "the verifier does not work");
    made.iter().for_each(|document| agrees(document));
}

/// Returns the part of a document that the identity provider signed.
fn verified(document: &str) -> Option<String> {
    let certificate = [CertificateDer::from(IDP.certificate.to_der().expect("a certificate"))];
    let mode = ReduceMode::ValidateAndMarkNoAncestors;
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(document, &certificate, mode, Some(&ALLOWED)).ok()
}

/// Says whether what a document says, as far as it is signed, is what a genuine one says.
fn was_signed(gated: &Gated, genuine: &Gated) -> bool {
    let (Content::Clear { assertion, .. }, Content::Clear { assertion: known, .. }) = (&gated.content, &genuine.content)
    else {
        return false;
    };
    assertion == known && (!gated.response_signed || gated.response == genuine.response)
}

/// Signed in each way, and once not.
pub fn made() -> Vec<Vec<u8>> {
    let says = says();
    let form = Form { method: ECDSA_SHA256, ..Form::default() };
    let assertion = sign(&says.assertion(), &IDP, &form);
    let of_both = put(&says.response(&assertion), &signature(&says.response(&assertion), "_response", &IDP, &form));
    [
        says.response(&assertion),
        sign(&says.response(&says.assertion()), &IDP, &form),
        of_both,
        says.response(&says.assertion()),
    ]
    .map(String::into_bytes)
    .to_vec()
}

fn says() -> Says {
    let now = Timestamp::from_rfc3339("2026-11-22T12:00:00Z").expect("a time");
    let acs = "https://results.hospital.example/acs";
    Says::honest(now, acs, "https://results.hospital.example", "https://idp.example", Some("_request"))
}

/// One key for what is said: what earlier runs found goes on verifying as long as the same is said, and no longer.
fn signing() -> Signing {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let said = hash(MessageDigest::sha256(), says().response(&says().assertion()).as_bytes()).expect("a hash");
    let secret = BigNum::from_slice(&said[..31]).expect("a number");
    let mut context = BigNumContext::new().expect("a context");
    let mut public = EcPoint::new(&group).expect("a point");
    public.mul_generator2(&group, &secret, &mut context).expect("a point");
    let key = EcKey::from_private_components(&group, &secret, &public).expect("a key");
    let key = PKey::from_ec_key(key).expect("a key");
    let mut builder = X509::builder().expect("a certificate");
    builder.set_version(2).expect("a version");
    builder.set_pubkey(&key).expect("a key");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a time");
    builder.set_not_after(&Asn1Time::days_from_now(30).expect("a time")).expect("a time");
    builder.sign(&key, MessageDigest::sha256()).expect("a signature");
    Signing { certificate: builder.build(), key }
}
