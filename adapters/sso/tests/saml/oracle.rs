//! A second verifier, signxml, is asked about every response that the cases posted: see `tests/providers/oracle.py`.
//!
//! Runs where `TEST_PROVIDERS` says that it is (`tests/providers/run` fetches it) and every case was run; otherwise that is said.
//! `REQUIRE_PROVIDERS=1` turns its absence into a failure.
#![expect(clippy::print_stdout, reason = "it says what it found, and keeps what it asks about")]

use domain::directory::{Connection, Protocol};
use serde_json::json;
use sso::saml::{IdentityProvider, Refusal, Verified};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Where the providers of tests are.
fn providers() -> Option<PathBuf> {
    std::env::var_os("TEST_PROVIDERS").map(PathBuf::from)
}

static FOLDER: LazyLock<Option<TempDir>> = LazyLock::new(|| providers().map(|_| tempfile::tempdir().unwrap()));

/// Keeps a response and what became of it.
pub(crate) fn remember(connection: &Connection, document: &str, finished: &Result<Verified, Refusal>) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let (Some(folder), Protocol::Saml(settings)) = (&*FOLDER, &connection.protocol) else { return };
    // Without metadata that can be read nobody is trusted.
    let trusted = IdentityProvider::read(settings, crate::house::noon()).map(|provider| provider.certificates);
    let pem = |der: Vec<u8>| {
        let certificate = openssl::x509::X509::from_der(&der).unwrap();
        String::from_utf8(certificate.to_pem().unwrap()).unwrap()
    };
    let entry = json!({
        "document": document,
        "certificates": trusted.unwrap_or_default().into_iter().map(pem).collect::<Vec<_>>(),
        "accepted": finished.as_ref().ok().map(|verified| &verified.assertion.subject),
        "reason": finished.as_ref().err().map(|refusal| refusal.name()),
        "kind": finished.as_ref().err().map(|refusal| kind(*refusal)),
    });
    let file = folder.path().join(format!("{}.json", NUMBER.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(file, entry.to_string()).unwrap();
}

/// Asks signxml about everything that was kept; what it says is printed.
pub(crate) fn ask() -> ExitCode {
    let required = std::env::var("REQUIRE_PROVIDERS").is_ok_and(|value| value == "1");
    let (Some(providers), Some(folder)) = (providers(), &*FOLDER) else {
        println!("saml oracle: ignored, TEST_PROVIDERS is not set; see tests/providers/run");
        return if required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/providers/oracle.py");
    let asked = Command::new(providers.join("python/bin/python")).arg(script).arg(folder.path()).status();
    if asked.is_ok_and(|ended| ended.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Which question a refusal answers.
fn kind(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::TooLarge
        | Refusal::NotBase64
        | Refusal::NotUtf8
        | Refusal::Malformed
        | Refusal::Doctype
        | Refusal::Instruction
        | Refusal::Comment
        | Refusal::Cdata
        | Refusal::Entity
        | Refusal::TooDeep
        | Refusal::TooManyAttributes
        | Refusal::TooManyElements
        | Refusal::Namespace
        | Refusal::DuplicateAttribute
        | Refusal::Root
        | Refusal::Id
        | Refusal::DuplicateId
        | Refusal::AssertionCount
        | Refusal::AssertionPlace
        | Refusal::Foreign
        | Refusal::Shape
        | Refusal::EncryptedPart
        | Refusal::EncryptedAssertion
        | Refusal::NotEncrypted
        | Refusal::SignaturePlace => "structure",
        Refusal::SignatureForm
        | Refusal::SignatureReference
        | Refusal::SignatureTransform
        | Refusal::SignatureAlgorithm => "form",
        Refusal::Version
        | Refusal::Time
        | Refusal::Status
        | Refusal::Issuer
        | Refusal::Destination
        | Refusal::Recipient
        | Refusal::Audience
        | Refusal::InResponseTo
        | Refusal::Unsolicited
        | Refusal::Confirmation
        | Refusal::Conditions
        | Refusal::UnknownCondition
        | Refusal::NotYetValid
        | Refusal::Expired
        | Refusal::AuthnStatement
        | Refusal::NotFresh
        | Refusal::SessionEnded
        | Refusal::Subject
        | Refusal::TransientSubject
        | Refusal::SubjectFormat
        | Refusal::SubjectQualifier => "judged",
        Refusal::Replay => "used",
        _ => "signature",
    }
}
