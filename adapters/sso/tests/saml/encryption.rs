//! Encrypted assertions: every accepted form opens, and everything that is wrong is one refusal.

use crate::house::{Case, House, Site, case, refused};
use crate::provider::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, Form, MGF1_SHA256, OAEP, OAEP_MGF1P, RSA1_5, SHA1, SHA256, Says,
    Sealing, encrypt, sign,
};
use sso::saml::{Pending, Refusal};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let forms = [
        ("aes256_gcm", Sealing::GCM),
        ("aes128_gcm", Sealing { cipher: AES128_GCM, ..Sealing::GCM }),
        ("aes256_cbc", Sealing { cipher: AES256_CBC, ..Sealing::GCM }),
        ("aes128_cbc", Sealing { cipher: AES128_CBC, ..Sealing::GCM }),
        ("oaep_with_sha256", Sealing { digest: Some(SHA256), ..Sealing::GCM }),
        (
            "oaep_1_1_with_mgf1_sha256",
            Sealing { wrap: OAEP, digest: Some(SHA256), mask: Some(MGF1_SHA256), ..Sealing::GCM },
        ),
        ("oaep_1_1_with_mgf1_sha1", Sealing { wrap: OAEP, ..Sealing::GCM }),
    ];
    for (name, sealing) in forms {
        cases.push(case(format!("encryption::{name}_opens"), move |house: &House| {
            let (site, pending, says) = begun(house);
            let inner = signed(house, &says);
            let document = says.response(&encrypt(&inner, &house.encryption()[0], sealing, &|_| {}));
            assert_eq!(site.finish(Some(&pending), &document).unwrap().assertion.subject, "alice");
        }));
        cases.push(case(format!("encryption::{name}_opens_with_the_next_key"), move |house: &House| {
            let (site, pending, says) = begun(house);
            let document = says.response(&encrypt(&signed(house, &says), &house.encryption()[1], sealing, &|_| {}));
            assert_eq!(site.finish(Some(&pending), &document).unwrap().assertion.subject, "alice");
        }));
    }
    cases.extend([
        case("encryption::a_signature_of_the_response_covers_an_unsigned_assertion_within", |house| {
            let (site, pending, says) = begun(house);
            let response = says.response(&sealed(house, &says.assertion(), Sealing::CBC));
            let document = sign(&response, &house.idp, &Form::default());
            assert_eq!(site.finish(Some(&pending), &document).unwrap().assertion.subject, "alice");
        }),
        case("encryption::how_a_key_is_named_is_no_matter", |house| {
            let (site, pending, says) = begun(house);
            let named = "<ds:KeyInfo><o:SecurityTokenReference xmlns:o=\"http://docs.oasis-open.org/wss/2004/01/\
                         oasis-200401-wss-wssecurity-secext-1.0.xsd\"><ds:X509Data><ds:X509IssuerSerial></ds:X509IssuerSerial>\
                         </ds:X509Data></o:SecurityTokenReference></ds:KeyInfo><xenc:CipherData>";
            let document = says.response(&sealed(house, &signed(house, &says), Sealing::GCM));
            let document = document.replacen("<xenc:CipherData>", named, 1);
            assert_eq!(site.finish(Some(&pending), &document).unwrap().assertion.subject, "alice");
        }),
        case("encryption::both_may_be_signed", |house| {
            let (site, pending, says) = begun(house);
            let response = says.response(&sealed(house, &signed(house, &says), Sealing::GCM));
            let document = sign(&response, &house.idp, &Form::default());
            assert_eq!(site.finish(Some(&pending), &document).unwrap().assertion.subject, "alice");
        }),
        case("encryption::an_assertion_may_use_what_is_declared_around_it", |house| {
            let (site, pending, says) = begun(house);
            // Declared on the response for all, as some encryptors leave it; the signature was made over both alike.
            let inner = signed(house, &says).replacen(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "", 1);
            let response = says.response(&sealed(house, &inner, Sealing::GCM));
            let around = "<samlp:Response xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
            let document = response.replacen("<samlp:Response", around, 1);
            assert_eq!(site.finish(Some(&pending), &document).unwrap().assertion.subject, "alice");
        }),
        case("encryption::a_bad_signature_within_a_signed_response_is_refused", |house| {
            let (site, pending, says) = begun(house);
            let inner = sign(&says.assertion(), &house.stranger, &Form::default());
            let document = sign(&says.response(&sealed(house, &inner, Sealing::GCM)), &house.idp, &Form::default());
            refused(site.finish(Some(&pending), &document), Refusal::EncryptedAssertion);
        }),
        case("encryption::a_ciphertext_exchanged_under_a_signature_is_refused", |house| {
            let (site, pending, says) = begun(house);
            let document =
                sign(&says.response(&sealed(house, &says.assertion(), Sealing::GCM)), &house.idp, &Form::default());
            let evil = says.assertion().replace(">alice<", ">mallory<");
            let (before, rest) = document.split_once("<saml:EncryptedAssertion").unwrap();
            let (_, after) = rest.split_once("</saml:EncryptedAssertion>").unwrap();
            let exchanged = format!("{before}{}{after}", sealed(house, &evil, Sealing::GCM));
            refused(site.finish(Some(&pending), &exchanged), Refusal::Signature);
        }),
        case("encryption::in_clear_is_refused_where_encryption_is_asked_for", |house| {
            let (mut site, pending, says) = begun(house);
            site.settings().want_encrypted = true;
            refused(site.finish(Some(&pending), &says.response(&signed(house, &says))), Refusal::NotEncrypted);
            let document = says.response(&sealed(house, &signed(house, &says), Sealing::GCM));
            assert!(site.finish(Some(&pending), &document).is_ok());
        }),
        case("encryption::an_encrypted_assertion_is_good_once", |house| {
            let (site, pending, says) = begun(house);
            let inner = signed(house, &says);
            let again = || says.response(&sealed(house, &inner, Sealing::GCM));
            assert!(site.finish(Some(&pending), &again()).is_ok());
            refused(site.finish(Some(&pending), &again()), Refusal::Replay);
        }),
        case("encryption::whatever_is_wrong_is_one_refusal", |house| {
            let (site, pending, says) = begun(house);
            for (name, document) in wrong(house, &says) {
                match site.finish(Some(&pending), &document) {
                    Ok(_) => panic!("{name} was accepted"),
                    Err(refusal) => assert_eq!(refusal, Refusal::EncryptedAssertion, "{name}"),
                }
            }
        }),
    ]);
    cases
}

fn begun(house: &House) -> (Site, Pending, Says) {
    let site = house.site();
    let pending = site.begin();
    let says = site.says(&pending);
    (site, pending, says)
}

fn signed(house: &House, says: &Says) -> String {
    sign(&says.assertion(), &house.idp, &Form::default())
}

fn sealed(house: &House, text: &str, sealing: Sealing) -> String {
    let [certificate, _] = house.encryption();
    encrypt(text, &certificate, sealing, &|_| {})
}

fn wrong(house: &House, says: &Says) -> Vec<(&'static str, String)> {
    let [certificate, _] = house.encryption();
    let inner = signed(house, says);
    let changed =
        |sealing, change: &dyn Fn(&mut Vec<u8>)| says.response(&encrypt(&inner, &certificate, sealing, change));
    let plain = |text: &str| says.response(&sealed(house, text, Sealing::GCM));
    let good = plain(&inner);
    vec![
        ("unsigned within", plain(&says.assertion())),
        ("signed by another within", plain(&sign(&says.assertion(), &house.stranger, &Form::default()))),
        ("changed within", plain(&inner.replace(">alice<", ">mallory<"))),
        ("not XML within", plain("alice")),
        ("nothing within", plain("")),
        ("two within", plain(&format!("{inner}{}", says.assertion().replace("_assertion", "_other")))),
        ("a document within", plain(&format!("<?xml version=\"1.0\"?>{inner}"))),
        ("an entity within", plain(&inner.replace(">alice<", ">&x;<"))),
        ("an encrypted one within", plain(&sealed(house, &inner, Sealing::GCM))),
        ("another element within", plain(&inner.replace("saml:Assertion", "saml:Subject"))),
        ("for another certificate", says.response(&encrypt(&inner, &house.stranger.certificate, Sealing::GCM, &|_| {}))),
        ("wrapped by PKCS #1 v1.5", changed(Sealing { wrap: RSA1_5, ..Sealing::GCM }, &|_| {})),
        ("wrapped by PKCS #1 v1.5 under the name of OAEP", changed(Sealing { wrap: RSA1_5, ..Sealing::GCM }, &|_| {}).replace(RSA1_5, OAEP_MGF1P)),
        ("another label hash", good.replacen("</xenc:EncryptionMethod><xenc:CipherData>", &format!("<ds:DigestMethod Algorithm=\"{SHA256}\"/></xenc:EncryptionMethod><xenc:CipherData>"), 1)),
        ("an unknown label hash", good.replacen("</xenc:EncryptionMethod><xenc:CipherData>", "<ds:DigestMethod Algorithm=\"urn:x\"/></xenc:EncryptionMethod><xenc:CipherData>", 1)),
        ("the named default hash", good.replacen("</xenc:EncryptionMethod><xenc:CipherData>", &format!("<ds:DigestMethod Algorithm=\"{SHA1}\"/><xenc:OAEPparams>AAAA</xenc:OAEPparams></xenc:EncryptionMethod><xenc:CipherData>"), 1)),
        ("triple DES", good.replace(AES256_GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")),
        ("another key length", good.replace(AES256_GCM, AES128_GCM)),
        ("another mode", good.replace(AES256_GCM, AES256_CBC)),
        ("no keys", good.replace("xenc:EncryptedKey", "xenc:AgreementMethod")),
        ("a bit of a GCM ciphertext", changed(Sealing::GCM, &|bytes| bytes[40] ^= 1)),
        ("a bit of a GCM tag", changed(Sealing::GCM, &|bytes| *bytes.last_mut().unwrap() ^= 1)),
        ("a short GCM ciphertext", changed(Sealing::GCM, &|bytes| bytes.truncate(20))),
        ("an empty GCM ciphertext", changed(Sealing::GCM, &|bytes| bytes.clear())),
        ("a bit of a CBC ciphertext", changed(Sealing::CBC, &|bytes| bytes[40] ^= 1)),
        ("a bit of a CBC vector", changed(Sealing::CBC, &|bytes| bytes[0] ^= 1)),
        ("a bit of the last CBC block", changed(Sealing::CBC, &|bytes| *bytes.last_mut().unwrap() ^= 1)),
        ("half a CBC block", changed(Sealing::CBC, &|bytes| bytes.truncate(40))),
        ("a CBC vector alone", changed(Sealing::CBC, &|bytes| bytes.truncate(16))),
        ("a short CBC ciphertext", changed(Sealing::CBC, &|bytes| bytes.truncate(3))),
    ]
}
