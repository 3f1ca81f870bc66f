//! Our metadata, the identity provider's, and our requests.

use crate::house::{Case, ISSUER, case, metadata, noon};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::directory::SamlSettings;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use sso::saml::{Ask, IdentityProvider, KeyFault, KeyPair, MetadataFault, entity_ids};
use std::io::Read;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("metadata::ours_names_keys_addresses_and_what_we_want", |house| {
            let site = house.site();
            let text = site.provider.metadata(&site.connection, &site.urls).unwrap();
            for part in [
                "entityID=\"https://results.hospital.example/auth/saml/05050505-0505-0505-0505-050505050505/metadata\"",
                "validUntil=\"2026-12-22T12:00:00.000Z\"",
                "AuthnRequestsSigned=\"true\"",
                "WantAssertionsSigned=\"true\"",
                "Location=\"https://results.hospital.example/auth/saml/05050505-0505-0505-0505-050505050505/acs\"",
                "Location=\"https://results.hospital.example/auth/saml/05050505-0505-0505-0505-050505050505/slo\"",
            ] {
                assert!(text.contains(part), "{part}");
            }
            assert_eq!(text.matches("use=\"signing\"").count(), 1);
            assert_eq!(text.matches("use=\"encryption\"").count(), 2, "the present key and the next");
        }),
        case("metadata::of_a_provider_is_read_with_every_key_of_a_roll_over", |house| {
            let read = read(&metadata(&[&house.idp, &house.next, &house.ec])).unwrap();
            assert_eq!(read.certificates.len(), 3);
            assert_eq!(read.sign_on, "https://idp.hospital.example/sso?tenant=1");
            assert_eq!(read.logout.unwrap().response, "https://idp.hospital.example/slo");
            let many = format!(
                "<x:EntitiesDescriptor xmlns:x=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}</x:EntitiesDescriptor>",
                metadata(&[&house.idp]).split_once("-->").unwrap().1
            );
            assert!(self::read(&many).is_ok());
            assert_eq!(entity_ids(&many).unwrap(), [ISSUER]);
            let saved = format!("\u{feff}{}\r\n", metadata(&[&house.idp]));
            assert!(self::read(&saved).is_ok(), "with a byte order mark, as AD FS writes it");
        }),
        case("metadata::without_a_strong_signing_certificate_is_refused", |house| {
            let good = metadata(&[&house.idp]);
            for text in [metadata(&[]), metadata(&[&house.weak]), good.replace("use=\"signing\"", "use=\"encryption\"")]
            {
                assert_eq!(read(&text).err(), Some(MetadataFault::NoCertificate));
            }
            assert!(read(&good.replace(" use=\"signing\"", "")).is_ok(), "without a use it serves both");
        }),
        case("metadata::that_is_of_another_over_or_broken_is_refused", |house| {
            let good = metadata(&[&house.idp]);
            let until = |time: &str| good.replace("entityID=", &format!("validUntil=\"{time}\" entityID="));
            assert!(read(&until("2026-11-22T12:00:01Z")).is_ok());
            for (text, expected) in [
                (until("2026-11-22T12:00:00Z"), MetadataFault::Expired),
                (good.replace("tenant=1\"><md", "tenant=2\"><md"), MetadataFault::Entity),
                (good.replace("IDPSSODescriptor", "SPSSODescriptor"), MetadataFault::Entity),
                (good.replace("2.0:protocol\">", "1.1:protocol\">"), MetadataFault::Entity),
                (good.replace("HTTP-Redirect", "HTTP-Artifact"), MetadataFault::NoSignOn),
                (good.replace("Location=\"https", "Location=\"http"), MetadataFault::Address),
                (good.replace("https://idp.hospital.example/sso", "javascript:alert(1)"), MetadataFault::Address),
                (
                    good.replace("https://idp.hospital.example/sso", "http://localhost.evil.example/sso"),
                    MetadataFault::Address,
                ),
                (good.replace("MII", "!!!"), MetadataFault::Certificate),
            ] {
                assert_eq!(read(&text).err(), Some(expected), "{text}");
            }
            assert!(matches!(read("<!DOCTYPE x><x/>"), Err(MetadataFault::Document(_))));
            assert!(
                read(&good.replace("Location=\"https://idp.hospital.example/", "Location=\"http://127.0.0.1:8080/"))
                    .is_ok()
            );
        }),
        case("request::is_signed_over_the_query_and_says_what_is_asked", |house| {
            let site = house.site();
            let ask = Ask { fresh: true, contexts: vec!["urn:mfa".to_owned()] };
            let begun = site.provider.begin(&site.connection, &site.urls, "handle&x", &ask).unwrap();
            let (location, query) = begun.redirect.split_once("tenant=1&").unwrap();
            assert_eq!(location, "https://idp.hospital.example/sso?");
            let (signed, value) = query.split_once("&Signature=").unwrap();
            let certificate = X509::from_pem(house.pair.0.as_bytes()).unwrap();
            let key = certificate.public_key().unwrap();
            let verified = Verifier::new(MessageDigest::sha256(), &key)
                .unwrap()
                .verify_oneshot(&STANDARD.decode(plain(value)).unwrap(), signed.as_bytes());
            assert!(verified.unwrap());
            assert!(signed.contains(
                "&RelayState=handle%26x&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256"
            ));
            let message = signed.strip_prefix("SAMLRequest=").unwrap().split_once('&').unwrap().0;
            let mut document = String::new();
            let deflated = STANDARD.decode(plain(message)).unwrap();
            flate2::read::DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut document).unwrap();
            for part in [
                format!("ID=\"{}\"", begun.pending.id),
                "ForceAuthn=\"true\"".to_owned(),
                "Destination=\"https://idp.hospital.example/sso?tenant=1\"".to_owned(),
                format!("AssertionConsumerServiceURL=\"{}\"", site.urls.acs),
                format!("<saml:Issuer>{}</saml:Issuer>", site.urls.metadata),
                "<saml:AuthnContextClassRef>urn:mfa</saml:AuthnContextClassRef>".to_owned(),
            ] {
                assert!(document.contains(&part), "{part} in {document}");
            }
            let id = &begun.pending.id;
            assert!(id.starts_with('_') && id.len() == 41 && *id != site.begin().id);
        }),
        case("keys::of_ours_are_rsa_of_2048_bits_and_of_their_certificate", |house| {
            let weak = String::from_utf8(house.weak.certificate.to_pem().unwrap()).unwrap();
            let weak_key = String::from_utf8(house.weak.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
            assert_eq!(KeyPair::from_pem(&weak, &weak_key).err(), Some(KeyFault::Weak));
            assert_eq!(KeyPair::from_pem(&house.pair.0, &house.second_pair.1).err(), Some(KeyFault::Mismatch));
            assert_eq!(KeyPair::from_pem("", &house.pair.1).err(), Some(KeyFault::Unreadable));
        }),
    ]
}

fn read(text: &str) -> Result<IdentityProvider, MetadataFault> {
    IdentityProvider::read(&SamlSettings::new(text.to_owned(), ISSUER.to_owned()), noon())
}

fn plain(text: &str) -> String {
    text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}
