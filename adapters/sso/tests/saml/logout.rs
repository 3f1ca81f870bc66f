//! Signing out at both ends.

use crate::house::{Case, ISSUER, Site, case, noon, run};
use crate::provider::{ASSERTION, PROTOCOL, RSA_SHA1, RSA_SHA256, Signing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use sso::saml::{LogoutMessage, LogoutOutcome, NameId, Refusal};
use std::io::{Read, Write};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("logout::a_request_of_the_provider_is_read_and_answered", |house| {
            let site = house.site();
            let query = query(&request(&site), Some("theirs"), &house.idp, true);
            let Ok(LogoutMessage::Asked(asked)) = read(&site, &query) else { panic!("not read") };
            assert_eq!(asked.name_id.value, "alice");
            assert_eq!(asked.session_indexes, ["_one", "_two"]);
            assert_eq!(asked.relay.as_deref(), Some("theirs"));
            let answer =
                site.provider.logout_answer(&site.connection, &site.urls, &asked, LogoutOutcome::Ended).unwrap();
            assert!(answer.starts_with("https://idp.hospital.example/slo?SAMLResponse="));
            assert!(answer.contains("&RelayState=theirs&SigAlg="));
            assert!(read(&site, &query).is_ok(), "what took effect by half may come again");
            run(site.provider.logout_done(&site.connection, &asked)).unwrap();
            assert_eq!(read(&site, &query).err(), Some(Refusal::Replay));
        }),
        case("logout::the_answer_says_what_became_of_the_request", |house| {
            let site = house.site();
            let Ok(LogoutMessage::Asked(asked)) = read(&site, &query(&request(&site), None, &house.idp, true)) else {
                panic!("not read")
            };
            for (outcome, status) in [
                (LogoutOutcome::Ended, "status:Success\"></samlp:StatusCode>"),
                (
                    LogoutOutcome::UnknownPerson,
                    "status:Requester\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal\"/>",
                ),
                (LogoutOutcome::Failed, "status:Responder\"></samlp:StatusCode>"),
            ] {
                let answer = site.provider.logout_answer(&site.connection, &site.urls, &asked, outcome).unwrap();
                assert!(inflated(&answer).contains(status), "{outcome:?}");
            }
        }),
        case("logout::lower_case_escapes_are_verified_as_they_came", |house| {
            let site = house.site();
            let query = query(&request(&site), None, &house.idp, false);
            assert!(query.contains("%2b") || query.contains("%2f") || query.contains("%3d"));
            assert!(read(&site, &query).is_ok());
        }),
        case("logout::ours_is_signed_and_names_the_session", |house| {
            let site = house.site();
            let verified = site.changed(house, |_| {}).unwrap();
            let logged_in = verified.logged_in.unwrap();
            let begun = site.provider.logout_begin(&site.connection, &site.urls, &logged_in, "mine").unwrap();
            assert!(begun.redirect.starts_with("https://idp.hospital.example/slo?SAMLRequest="));
            let answer = format!(
                "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_r\" Version=\"2.0\" \
                 IssueInstant=\"{}\" Destination=\"{}\" InResponseTo=\"{}\"><saml:Issuer>{ISSUER}</saml:Issuer><samlp:Status>\
                 <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status></samlp:LogoutResponse>",
                noon().rfc3339(),
                site.urls.slo,
                begun.id
            );
            let query = query_of("SAMLResponse", &answer, Some("mine"), &house.idp, true, RSA_SHA256);
            let Ok(LogoutMessage::Answered(answered)) = read(&site, &query) else { panic!("not read") };
            assert!(answered.success && answered.in_response_to == Some(begun.id));
            assert_eq!(answered.relay.as_deref(), Some("mine"));
        }),
        case("logout::without_a_service_of_the_provider_there_is_none", |house| {
            let mut site = house.site();
            site.settings().metadata = site.settings().metadata.replace("SingleLogoutService", "NameIDMappingService");
            let name_id =
                NameId { value: "alice".to_owned(), format: None, name_qualifier: None, sp_name_qualifier: None };
            let logged_in = sso::saml::LoggedIn { name_id, session_index: None };
            let begun = site.provider.logout_begin(&site.connection, &site.urls, &logged_in, "mine");
            assert_eq!(begun.err(), Some(Refusal::NoLogout));
        }),
        case("logout::what_is_wrong_with_a_query_is_refused", |house| {
            let site = house.site();
            let good = query(&request(&site), Some("r"), &house.idp, true);
            let without =
                |name: &str| good.split('&').filter(|part| !part.starts_with(name)).collect::<Vec<_>>().join("&");
            for (query, expected) in [
                (String::new(), Refusal::QueryMissing),
                (without("Signature="), Refusal::QueryMissing),
                (without("SigAlg="), Refusal::QueryMissing),
                (without("SAMLRequest="), Refusal::QueryMissing),
                (without("RelayState="), Refusal::Signature),
                (good.replace("RelayState=r", "RelayState=s"), Refusal::Signature),
                (format!("{good}&SAMLRequest=x"), Refusal::QueryDuplicate),
                (format!("{good}&RelayState=r"), Refusal::QueryDuplicate),
                (format!("{good}&SigAlg="), Refusal::QueryDuplicate),
                (format!("{good}&Signature=AA"), Refusal::QueryDuplicate),
                (format!("{good}&SAMLResponse=x"), Refusal::QueryDuplicate),
                (format!("{good}&SAML%52equest=x"), Refusal::QueryForm),
                (format!("{good}&SAMLEncoding=x"), Refusal::QueryForm),
                (format!("{good}&x"), Refusal::QueryForm),
                (good.replace("Signature=", "Signature=%zz"), Refusal::QueryForm),
                (good.replace("SigAlg=http", "SigAlg=%"), Refusal::QueryForm),
                (format!("SAMLRequest={}", "A".repeat(70_000)), Refusal::TooLarge),
                (
                    query_of("SAMLRequest", &request(&site), None, &house.idp, true, RSA_SHA1),
                    Refusal::SignatureAlgorithm,
                ),
                (query_of("SAMLRequest", &request(&site), None, &house.stranger, true, RSA_SHA256), Refusal::Signature),
            ] {
                assert_eq!(read(&site, &query).err(), Some(expected), "{query}");
            }
        }),
        case("logout::what_is_wrong_with_a_message_is_refused", |house| {
            let site = house.site();
            let good = request(&site);
            let minutes = |n: i64| noon().plus_seconds(n.saturating_mul(60)).rfc3339();
            for (document, expected) in [
                (good.replace(ISSUER, "https://other.example"), Refusal::Issuer),
                (good.replace("/slo\"", "/slo2\""), Refusal::Destination),
                (good.replace(&minutes(0), &minutes(-5)), Refusal::Expired),
                (good.replace(&minutes(0), &minutes(3)), Refusal::NotYetValid),
                (good.replace(" Version=", &format!(" NotOnOrAfter=\"{}\" Version=", minutes(-2))), Refusal::Expired),
                (good.replace("Version=\"2.0\"", "Version=\"1.1\""), Refusal::Version),
                (good.replace("LogoutRequest", "AuthnRequest"), Refusal::Root),
                (good.replace("alice", "al<!-- -->ice"), Refusal::Comment),
                (good.replace("saml:NameID", "saml:EncryptedID"), Refusal::EncryptedPart),
                (good.replace("saml:NameID", "saml:BaseID"), Refusal::Shape),
                (format!("<!DOCTYPE x>{good}"), Refusal::Doctype),
            ] {
                assert_eq!(read(&site, &query(&document, None, &house.idp, true)).err(), Some(expected), "{document}");
            }
        }),
    ]
}

fn request(site: &Site) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_logout\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{}\"><saml:Issuer>{ISSUER}</saml:Issuer><saml:NameID>alice</saml:NameID>\
         <samlp:SessionIndex>_one</samlp:SessionIndex><samlp:SessionIndex>_two</samlp:SessionIndex></samlp:LogoutRequest>",
        noon().rfc3339(),
        site.urls.slo
    )
}

fn read(site: &Site, query: &str) -> Result<LogoutMessage, Refusal> {
    run(site.provider.logout_read(&site.connection, &site.urls, query))
}

/// Returns the message that an address of ours carries.
pub(crate) fn inflated(address: &str) -> String {
    let carried = ["SAMLRequest=", "SAMLResponse="].into_iter().find_map(|name| address.split(name).nth(1));
    let carried = carried.unwrap().split('&').next().unwrap();
    let bytes = carried.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(&STANDARD.decode(bytes).unwrap()[..]).read_to_string(&mut text).unwrap();
    text
}

fn query(document: &str, relay: Option<&str>, signing: &Signing, upper: bool) -> String {
    query_of("SAMLRequest", document, relay, signing, upper, RSA_SHA256)
}

fn query_of(name: &str, document: &str, relay: Option<&str>, signing: &Signing, upper: bool, method: &str) -> String {
    let escape = |text: &str| {
        let bytes = text.bytes().map(|b| match b {
            b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            b if upper => format!("%{b:02X}"),
            b => format!("%{b:02x}"),
        });
        bytes.collect::<String>()
    };
    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    deflater.write_all(document.as_bytes()).unwrap();
    let message = escape(&STANDARD.encode(deflater.finish().unwrap()));
    let relay = relay.map(|relay| format!("&RelayState={}", escape(relay))).unwrap_or_default();
    let signed = format!("{name}={message}{relay}&SigAlg={}", escape(method));
    let signature = STANDARD.encode(signing.sign(MessageDigest::sha256(), signed.as_bytes()));
    format!("{signed}&Signature={}", escape(&signature))
}
