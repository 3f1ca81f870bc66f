//! Documents that are refused for what they are, before any signature is looked at: none of them reaches the helper.

use crate::house::{Case, House, case, refused, run};
use crate::provider::{ASSERTION, ENVELOPED, EXC, Form, RSA_SHA1, SHA1, Says, id_of, put, sign, signature, transform};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sso::saml::{Refusal, Verifier};
use std::net::TcpListener;
use std::path::PathBuf;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = documents()
        .into_iter()
        .map(|(name, expected, document)| {
            case(format!("structure::{name}"), move |house: &House| {
                let mut site = house.site();
                // There is no helper: what gets as far as asking for one is seen.
                site.provider.verifier = Verifier::new(PathBuf::from("/nonexistent"), Vec::new());
                let pending = site.begin();
                let document = document(house, site.says(&pending));
                refused(site.finish(Some(&pending), &document), expected);
            })
        })
        .collect();
    cases.extend([
        case("structure::what_is_not_base64_or_not_utf8_is_refused", |house| {
            let site = house.site();
            let pending = site.begin();
            let post = |text: &str| run(site.provider.finish(&site.connection, &site.urls, Some(&pending), text));
            refused(post("%%%"), Refusal::NotBase64);
            refused(post(&STANDARD.encode([b'<', 0xff])), Refusal::NotUtf8);
            refused(post(&STANDARD.encode(vec![b' '; 256 * 1024 + 1])), Refusal::TooLarge);
            refused(post(&"A".repeat(1 << 20)), Refusal::TooLarge);
        }),
        case("structure::a_reference_to_somewhere_else_is_refused_without_a_connection", |house| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let uri = format!("http://{}/x", listener.local_addr().unwrap());
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let form = Form { uri: Some(uri), ..Form::default() };
            let document = says.response(&sign(&says.assertion(), &house.idp, &form));
            refused(site.finish(Some(&pending), &document), Refusal::SignatureReference);
            // Nor when the gate is passed by, for the helper has no network.
            let asked = run(site.provider.verifier.verify(&document, &[house.idp.certificate.to_der().unwrap()]));
            assert!(matches!(asked, Err(Refusal::Signature | Refusal::Helper)));
            assert_eq!(listener.accept().map(|_| ()).map_err(|e| e.kind()), Err(std::io::ErrorKind::WouldBlock));
        }),
    ]);
    cases
}

type Document = fn(&House, Says) -> String;

fn honest(house: &House, says: &Says) -> String {
    says.response(&sign(&says.assertion(), &house.idp, &Form::default()))
}

fn formed(house: &House, says: &Says, form: &Form) -> String {
    says.response(&sign(&says.assertion(), &house.idp, form))
}

fn with_name(house: &House, mut says: Says, name: &str) -> String {
    says.name_id = says.name_id.replace("alice", name);
    honest(house, &says)
}

fn documents() -> Vec<(&'static str, Refusal, Document)> {
    vec![
        ("comment_in_the_name", Refusal::Comment, |h, s| with_name(h, s, "alice<!---->.evil")),
        ("instruction_in_the_name", Refusal::Instruction, |h, s| with_name(h, s, "alice<?x?>.evil")),
        ("cdata_in_the_name", Refusal::Cdata, |h, s| with_name(h, s, "<![CDATA[alice]]>.evil")),
        ("element_in_the_name", Refusal::Shape, |h, s| with_name(h, s, "alice<saml:NameID>evil</saml:NameID>")),
        ("comment_in_an_attribute_value", Refusal::Comment, |h, mut s| {
            s.attributes = s.attributes.replace("providers", "providers<!-- -->evil");
            honest(h, &s)
        }),
        ("element_in_an_attribute_value", Refusal::Shape, |h, mut s| {
            s.attributes = s.attributes.replace("providers", "<saml:NameID>providers</saml:NameID>");
            honest(h, &s)
        }),
        ("doctype", Refusal::Doctype, |h, s| format!("<!DOCTYPE r>{}", honest(h, &s))),
        ("billion_laughs", Refusal::Doctype, |h, s| {
            format!("<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{}", with_name(h, s, "&b;"))
        }),
        ("external_entity_of_a_file", Refusal::Doctype, |h, s| {
            format!("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{}", with_name(h, s, "&x;"))
        }),
        ("external_entity_of_a_server", Refusal::Doctype, |h, s| {
            format!("<!DOCTYPE r SYSTEM \"http://127.0.0.1/x.dtd\">{}", honest(h, &s))
        }),
        ("entity_in_an_attribute", Refusal::Entity, |h, s| honest(h, &s).replacen("ID=\"_response\"", "ID=\"&x;\"", 1)),
        ("entity_in_text", Refusal::Entity, |h, s| with_name(h, s, "&nbsp;")),
        ("inclusion", Refusal::Foreign, |h, mut s| {
            s.attributes = s.attributes.replace(
                "providers",
                "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\"></xi:include>",
            );
            honest(h, &s)
        }),
        ("declared_as_latin_1", Refusal::NotUtf8, |h, s| {
            format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}", honest(h, &s))
        }),
        ("declared_as_utf_7", Refusal::NotUtf8, |h, s| {
            format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}", honest(h, &s))
        }),
        ("nul", Refusal::Malformed, |h, s| with_name(h, s, "alice\0")),
        ("nul_by_reference", Refusal::Malformed, |h, s| with_name(h, s, "alice&#0;")),
        ("two_roots", Refusal::Malformed, |h, s| format!("{0}{0}", honest(h, &s))),
        ("unclosed", Refusal::Malformed, |h, s| honest(h, &s).replace("</samlp:Response>", "")),
        ("attribute_twice", Refusal::DuplicateAttribute, |h, s| {
            honest(h, &s).replacen("ID=\"_response\"", "ID=\"_response\" ID=\"_other\"", 1)
        }),
        ("depth", Refusal::TooDeep, |h, mut s| {
            s.name_id = format!("{}{}", "<saml:NameID>".repeat(40), "</saml:NameID>".repeat(40));
            honest(h, &s)
        }),
        ("elements", Refusal::TooManyElements, |h, mut s| {
            s.attributes = s
                .attributes
                .replace("</saml:Attribute>", &format!("{}</saml:Attribute>", "<saml:AttributeValue/>".repeat(5_000)));
            honest(h, &s)
        }),
        ("attributes", Refusal::TooManyAttributes, |h, s| {
            let many: String = (0..40).map(|n| format!(" a{n}=\"\"")).collect();
            honest(h, &s).replacen(" Version=", &format!("{many} Version="), 1)
        }),
        ("root_of_another_kind", Refusal::Root, |h, s| sign(&s.assertion(), &h.idp, &Form::default())),
        ("root_in_another_namespace", Refusal::Root, |h, s| {
            honest(h, &s).replace("SAML:2.0:protocol", "SAML:1.0:protocol")
        }),
        ("identifier_twice", Refusal::DuplicateId, |h, mut s| {
            s.response_id = s.assertion_id.clone();
            honest(h, &s)
        }),
        ("identifier_twice_in_two_spellings", Refusal::DuplicateId, |h, s| {
            honest(h, &s).replacen("<saml:Subject>", "<saml:Subject Id=\"_assertion\">", 1)
        }),
        ("identifier_in_a_namespace", Refusal::Id, |h, s| {
            honest(h, &s).replacen(" ID=\"_response\"", " samlp:ID=\"_response\"", 1)
        }),
        ("identifier_that_is_no_name", Refusal::Id, |h, s| {
            honest(h, &s).replacen(" ID=\"_response\"", " ID=\"1 2\"", 1)
        }),
        ("identifier_missing", Refusal::Id, |h, s| honest(h, &s).replacen(" ID=\"_response\"", "", 1)),
        ("relative_namespace", Refusal::Namespace, |h, s| {
            honest(h, &s).replacen("<samlp:Status>", "<samlp:Status xmlns:v=\"1\">", 1)
        }),
        ("unbound_prefix", Refusal::Namespace, |h, s| {
            honest(h, &s).replacen("<samlp:Status>", "<samlp:Status x:y=\"1\">", 1)
        }),
        ("prefix_xmlns_bound", Refusal::Namespace, |h, s| {
            honest(h, &s).replacen("<samlp:Status>", "<samlp:Status xmlns:xmlns=\"urn:x\">", 1)
        }),
        ("unsigned", Refusal::Unsigned, |_, s| s.response(&s.assertion())),
        ("no_assertion", Refusal::AssertionCount, |_, s| s.response("")),
        ("refused_by_the_provider_without_an_assertion", Refusal::Status, |_, mut s| {
            s.status = Some("urn:oasis:names:tc:SAML:2.0:status:Responder".to_owned());
            s.response("")
        }),
        ("advice", Refusal::Foreign, |h, mut s| {
            s.conditions.push_str("<saml:Advice></saml:Advice>");
            honest(h, &s)
        }),
        ("assertion_in_advice", Refusal::AssertionPlace, |h, mut s| {
            let signed = sign(&s.assertion(), &h.idp, &Form::default());
            s.assertion_id = "_evil".to_owned();
            s.conditions.push_str(&signed);
            s.response(&s.assertion())
        }),
        ("second_conditions", Refusal::Shape, |h, mut s| {
            s.conditions = s.conditions.repeat(2);
            honest(h, &s)
        }),
        ("second_subject", Refusal::Shape, |h, s| {
            let signed = s.assertion().replace("</saml:Subject>", "</saml:Subject><saml:Subject></saml:Subject>");
            s.response(&sign(&signed, &h.idp, &Form::default()))
        }),
        ("text_beside_elements", Refusal::Shape, |h, mut s| {
            s.conditions.push('x');
            honest(h, &s)
        }),
        ("sha1_signature", Refusal::SignatureAlgorithm, |h, s| {
            formed(h, &s, &Form { method: RSA_SHA1, ..Form::default() })
        }),
        ("sha1_digest", Refusal::SignatureAlgorithm, |h, s| formed(h, &s, &Form { digest: SHA1, ..Form::default() })),
        ("hmac_signature", Refusal::SignatureAlgorithm, |h, s| {
            formed(h, &s, &Form { method: "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", ..Form::default() })
        }),
        ("dsa_signature", Refusal::SignatureAlgorithm, |h, s| {
            formed(h, &s, &Form { method: "http://www.w3.org/2009/xmldsig11#dsa-sha256", ..Form::default() })
        }),
        ("two_references", Refusal::SignatureReference, |h, s| {
            formed(h, &s, &Form { references: 2, ..Form::default() })
        }),
        ("two_thousand_references", Refusal::TooLarge, |h, s| {
            formed(h, &s, &Form { references: 2_000, ..Form::default() })
        }),
        ("hundred_references", Refusal::SignatureReference, |h, s| {
            formed(h, &s, &Form { references: 100, ..Form::default() })
        }),
        ("object_in_the_key", Refusal::Foreign, |h, s| {
            formed(h, &s, &Form { key_info: Some("<ds:Object></ds:Object>".to_owned()), ..Form::default() })
        }),
        ("no_reference", Refusal::SignatureReference, |h, s| formed(h, &s, &Form { references: 0, ..Form::default() })),
        ("empty_reference", Refusal::SignatureReference, |h, s| {
            formed(h, &s, &Form { uri: Some(String::new()), ..Form::default() })
        }),
        ("reference_to_another_element", Refusal::SignatureReference, |h, s| {
            formed(h, &s, &Form { uri: Some("#_response".to_owned()), ..Form::default() })
        }),
        ("reference_to_a_file", Refusal::SignatureReference, |h, s| {
            formed(h, &s, &Form { uri: Some("file:///etc/passwd".to_owned()), ..Form::default() })
        }),
        ("reference_by_pointer", Refusal::SignatureReference, |h, s| {
            formed(h, &s, &Form { uri: Some("#xpointer(id('_assertion'))".to_owned()), ..Form::default() })
        }),
        ("transform_by_style_sheet", Refusal::SignatureTransform, |h, s| {
            transformed(h, &s, &transform("http://www.w3.org/TR/1999/REC-xslt-19991116"))
        }),
        ("transform_by_path", Refusal::SignatureTransform, |h, s| {
            let path = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>true()</ds:XPath></ds:Transform>";
            transformed(h, &s, path)
        }),
        ("transform_from_base64", Refusal::SignatureTransform, |h, s| {
            transformed(h, &s, &transform("http://www.w3.org/2000/09/xmldsig#base64"))
        }),
        ("transform_that_keeps_comments", Refusal::SignatureTransform, |h, s| {
            transformed(h, &s, &transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments"))
        }),
        ("enveloped_transform_twice", Refusal::SignatureTransform, |h, s| transformed(h, &s, &transform(ENVELOPED))),
        ("no_transforms", Refusal::SignatureForm, |h, s| {
            formed(h, &s, &Form { transforms: Vec::new(), ..Form::default() })
        }),
        ("one_transform", Refusal::SignatureTransform, |h, s| {
            formed(h, &s, &Form { transforms: vec![transform(ENVELOPED)], ..Form::default() })
        }),
        ("transforms_the_wrong_way_round", Refusal::SignatureTransform, |h, s| {
            formed(h, &s, &Form { transforms: vec![transform(EXC), transform(ENVELOPED)], ..Form::default() })
        }),
        ("inclusive_canonicalisation", Refusal::SignatureTransform, |h, s| {
            formed(h, &s, &Form { canonical: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..Form::default() })
        }),
        ("object_in_the_signature", Refusal::SignatureForm, |h, s| {
            formed(h, &s, &Form { object: "<ds:Object></ds:Object>".to_owned(), ..Form::default() })
        }),
        ("manifest", Refusal::SignatureForm, |h, s| {
            formed(h, &s, &Form { object: "<ds:Manifest></ds:Manifest>".to_owned(), ..Form::default() })
        }),
        ("key_to_be_fetched", Refusal::Foreign, |h, s| {
            let key = "<ds:RetrievalMethod URI=\"http://127.0.0.1/key\"></ds:RetrievalMethod>";
            formed(h, &s, &Form { key_info: Some(key.to_owned()), ..Form::default() })
        }),
        ("encrypted_key_in_the_signature", Refusal::Foreign, |h, s| {
            let key = "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"></xenc:EncryptedKey>";
            formed(h, &s, &Form { key_info: Some(key.to_owned()), ..Form::default() })
        }),
        ("two_signatures_of_one_element", Refusal::SignaturePlace, |h, s| {
            let one = signature(&s.assertion(), "_assertion", &h.idp, &Form::default());
            s.response(&put(&s.assertion(), &format!("{one}{one}")))
        }),
        ("signature_at_the_end", Refusal::SignaturePlace, |h, s| {
            let assertion = s.assertion();
            let one = signature(&assertion, &id_of(&assertion), &h.idp, &Form::default());
            s.response(&assertion.replace("</saml:Assertion>", &format!("{one}</saml:Assertion>")))
        }),
        ("signature_in_the_subject", Refusal::SignaturePlace, |h, s| {
            let assertion = s.assertion();
            let one = signature(&assertion, &id_of(&assertion), &h.idp, &Form::default());
            s.response(&assertion.replace("<saml:Subject>", &format!("<saml:Subject>{one}")))
        }),
        ("signature_in_extensions", Refusal::SignaturePlace, |h, s| {
            let assertion = s.assertion();
            let one = signature(&assertion, &id_of(&assertion), &h.idp, &Form::default());
            s.response(&assertion).replacen(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{one}</samlp:Extensions><samlp:Status>"),
                1,
            )
        }),
        ("foreign_element", Refusal::Foreign, |h, s| {
            honest(h, &s).replacen("<samlp:Status>", "<x:y xmlns:x=\"urn:x\"></x:y><samlp:Status>", 1)
        }),
        ("lower_case_names", Refusal::Shape, |h, s| honest(h, &s).replace("samlp:Status>", "samlp:status>")),
        ("not_encrypted_is_not_here", Refusal::EncryptedAssertion, |_, s| {
            s.response(&format!("<saml:EncryptedAssertion xmlns:saml=\"{ASSERTION}\"></saml:EncryptedAssertion>"))
        }),
    ]
}

/// Signs with one more transformation in the middle.
fn transformed(house: &House, says: &Says, extra: &str) -> String {
    let transforms = vec![transform(ENVELOPED), extra.to_owned(), transform(EXC)];
    formed(house, says, &Form { transforms, ..Form::default() })
}
