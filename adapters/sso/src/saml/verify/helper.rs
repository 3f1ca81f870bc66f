//! The helper's side: the one file that uses samael, and with it xmlsec and libxml2.

use super::confine::{confine, limit_time};
use super::wire::{self, Answer, MAX_QUESTION_BYTES, Question};
use crate::saml::names::DSIG;
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};
use std::io::{self, Read, Write};

/// Answers one question from standard input on standard output.
///
/// To be called before anything else the program does, above all before it starts a thread; afterwards the program can
/// do nothing but end.
///
/// # Errors
/// There was no question, or nobody took the answer.
pub fn serve() -> io::Result<()> {
    limit_time();
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_QUESTION_BYTES).read_to_end(&mut bytes)?;
    let question = wire::read_question(&bytes).ok_or(io::ErrorKind::InvalidInput)?;
    let certificates: Vec<_> = question.certificates.iter().cloned().map(CertificateDer::from).collect();
    warm_up(&certificates);
    let enforced = confine();
    // Where not everything is enforced that could be, the document is not looked at.
    let answer = if enforced.all() || !cfg!(target_os = "linux") {
        verify(&question, &certificates)
    } else {
        Answer::NotVerified
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(&wire::answer(enforced, &answer))?;
    stdout.flush()
}

/// Signatures that are accepted; the gate accepts the same.
const ALLOWED: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// One certificate after the other, for a key of another type ends the check instead of going on to the next.
fn verify(question: &Question, certificates: &[CertificateDer]) -> Answer {
    for certificate in certificates {
        let certificate = std::slice::from_ref(certificate);
        let mode = ReduceMode::ValidateAndMarkNoAncestors;
        let reduced =
            Crypto::reduce_xml_to_signed_with_allowed_algorithms(&question.document, certificate, mode, Some(&ALLOWED));
        if let Ok(signed) = reduced {
            return Answer::Verified(signed);
        }
    }
    Answer::NotVerified
}

/// Lets the libraries load what they load at first use, while files can still be opened. Only trusted bytes are read.
fn warm_up(certificates: &[CertificateDer]) {
    let signature = format!(
        "<a ID=\"_a\"><Signature xmlns=\"{DSIG}\"><SignedInfo>\
         <CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
         <Reference URI=\"#_a\"><DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
         <DigestValue>AA==</DigestValue></Reference></SignedInfo><SignatureValue>AA==</SignatureValue></Signature></a>"
    );
    for certificate in certificates {
        let certificate = std::slice::from_ref(certificate);
        // It does not verify, and is not meant to.
        let _ = Crypto::reduce_xml_to_signed(&signature, certificate, ReduceMode::ValidateAndMarkNoAncestors);
    }
}
