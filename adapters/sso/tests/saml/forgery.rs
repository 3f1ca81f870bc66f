//! Forged documents: signatures wrapped around, taken from elsewhere or made by somebody else.

use crate::house::{Case, House, case, refused};
use crate::provider::{ASSERTION, Form, Says, encrypt, put, sign, signature};
use sso::saml::Refusal;

pub(crate) fn cases() -> Vec<Case> {
    let forged = forged().into_iter().map(|(name, expected, document)| {
        case(format!("forgery::{name}"), move |house: &House| {
            let site = house.site();
            let pending = site.begin();
            let document = document(house, site.says(&pending));
            refused(site.finish(Some(&pending), &document), expected);
        })
    });
    forged.collect()
}

type Document = fn(&House, Says) -> String;

/// Signed by the real provider, as assertion.
fn genuine(house: &House, says: &Says) -> String {
    sign(&says.assertion(), &house.idp, &Form::default())
}

/// The same in another name, unsigned.
fn evil(says: &Says) -> Says {
    let mut says = says.clone();
    says.response_id = "_evilresponse".to_owned();
    says.assertion_id = "_evil".to_owned();
    says.name_id = says.name_id.replace("alice", "mallory");
    says
}

fn genuine_signature(house: &House, says: &Says) -> String {
    signature(&says.assertion(), "_assertion", &house.idp, &Form::default())
}

fn response_signature(house: &House, says: &Says) -> String {
    signature(&says.response(&says.assertion()), "_response", &house.idp, &Form::default())
}

/// Puts something before the end of the signature.
fn within(signature: &str, something: &str) -> String {
    signature.replace("</ds:Signature>", &format!("{something}</ds:Signature>"))
}

fn object(something: &str) -> String {
    format!("<ds:Object>{something}</ds:Object>")
}

fn forged() -> Vec<(&'static str, Refusal, Document)> {
    vec![
        ("wrapping_1_the_signed_response_within_the_signature", Refusal::SignatureForm, |h, s| {
            let original = s.response(&s.assertion());
            let evil = evil(&s);
            put(&evil.response(&evil.assertion()), &within(&response_signature(h, &s), &original))
        }),
        ("wrapping_2_the_signed_response_before_the_signature", Refusal::AssertionPlace, |h, s| {
            let evil = evil(&s);
            put(&evil.response(""), &format!("{}{}", s.response(&s.assertion()), response_signature(h, &s)))
        }),
        ("wrapping_3_the_evil_assertion_before_the_signed_one", Refusal::AssertionCount, |h, s| {
            s.response(&format!("{}{}", evil(&s).assertion(), genuine(h, &s)))
        }),
        ("wrapping_3_the_evil_assertion_after_the_signed_one", Refusal::AssertionCount, |h, s| {
            s.response(&format!("{}{}", genuine(h, &s), evil(&s).assertion()))
        }),
        ("wrapping_4_the_signed_assertion_within_the_evil_one", Refusal::AssertionPlace, |h, s| {
            s.response(
                &evil(&s).assertion().replace("</saml:Assertion>", &format!("{}</saml:Assertion>", genuine(h, &s))),
            )
        }),
        ("wrapping_5_the_signature_in_the_evil_assertion", Refusal::SignatureReference, |h, s| {
            s.response(&format!("{}{}", put(&evil(&s).assertion(), &genuine_signature(h, &s)), s.assertion()))
        }),
        ("wrapping_6_the_signed_assertion_within_the_signature_of_the_evil_one", Refusal::SignatureForm, |h, s| {
            let mut evil = evil(&s);
            evil.assertion_id = "_assertion".to_owned();
            let original = s.assertion().replace(" ID=\"_assertion\"", " ID=\"_other\"");
            s.response(&put(&evil.assertion(), &within(&genuine_signature(h, &s), &original)))
        }),
        ("wrapping_7_the_evil_assertion_in_extensions", Refusal::AssertionPlace, |h, s| {
            let evil = evil(&s).assertion();
            s.response(&genuine(h, &s)).replacen(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>"),
                1,
            )
        }),
        ("wrapping_7_the_signed_assertion_in_extensions", Refusal::AssertionPlace, |h, s| {
            let genuine = genuine(h, &s);
            s.response(&evil(&s).assertion()).replacen(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{genuine}</samlp:Extensions><samlp:Status>"),
                1,
            )
        }),
        ("wrapping_8_the_signed_assertion_in_an_object_of_the_evil_signature", Refusal::SignatureForm, |h, s| {
            let signature = within(&genuine_signature(h, &s), &object(&s.assertion()));
            s.response(&put(&evil(&s).assertion(), &signature))
        }),
        ("wrapping_9_the_signed_response_in_extensions", Refusal::Foreign, |h, s| {
            let signed = sign(&s.response(&s.assertion()), &h.idp, &Form::default());
            let evil = evil(&s);
            evil.response(&evil.assertion()).replacen(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{signed}</samlp:Extensions><samlp:Status>"),
                1,
            )
        }),
        ("wrapping_10_an_encrypted_evil_assertion_beside_the_signed_one", Refusal::AssertionCount, |h, s| {
            let [certificate, _] = h.encryption();
            let sealed = encrypt(&evil(&s).assertion(), &certificate, crate::provider::Sealing::GCM, &|_| {});
            s.response(&format!("{}{sealed}", genuine(h, &s)))
        }),
        ("the_signed_assertion_in_a_subject", Refusal::AssertionPlace, |h, s| {
            let mut evil = evil(&s);
            evil.confirmation = evil.confirmation.replace("></saml:S", &format!(">{}</saml:S", genuine(h, &s)));
            s.response(&evil.assertion())
        }),
        ("an_assertion_of_another_namespace_beside_the_signed_one", Refusal::Foreign, |h, s| {
            let other = evil(&s).assertion().replace(ASSERTION, "urn:oasis:names:tc:SAML:1.0:assertion");
            s.response(&format!("{other}{}", genuine(h, &s)))
        }),
        ("a_changed_name", Refusal::Signature, |h, s| s.response(&genuine(h, &s)).replace(">alice<", ">mallory<")),
        ("a_changed_group", Refusal::Signature, |h, s| s.response(&genuine(h, &s)).replace(">providers<", ">admins<")),
        ("an_attribute_more", Refusal::Signature, |h, s| {
            let more = "<saml:Attribute Name=\"x\"><saml:AttributeValue>y</saml:AttributeValue></saml:Attribute>";
            let signed = genuine(h, &s);
            s.response(&signed.replace("</saml:AttributeStatement>", &format!("{more}</saml:AttributeStatement>")))
        }),
        ("an_attribute_less", Refusal::Signature, |h, s| {
            let signed = genuine(h, &s);
            let (before, rest) = signed.split_once("<saml:AttributeStatement>").unwrap();
            let (_, after) = rest.split_once("</saml:AttributeStatement>").unwrap();
            s.response(&format!("{before}{after}"))
        }),
        ("a_changed_name_in_a_signed_response", Refusal::Signature, |h, s| {
            sign(&s.response(&s.assertion()), &h.idp, &Form::default()).replace(">alice<", ">mallory<")
        }),
        ("a_changed_assertion_in_a_signed_response_with_its_own_signature", Refusal::Signature, |h, s| {
            let evil = evil(&s);
            let signed = sign(&s.response("{}"), &h.idp, &Form::default());
            signed.replace("{}", &sign(&evil.assertion(), &h.idp, &Form::default()))
        }),
        ("a_good_assertion_in_a_response_signed_by_another", Refusal::Signature, |h, s| {
            sign(&s.response(&genuine(h, &s)), &h.stranger, &Form::default())
        }),
        ("signed_by_another_key", Refusal::Signature, |h, s| {
            s.response(&sign(&s.assertion(), &h.stranger, &Form::default()))
        }),
        ("signed_by_another_key_that_is_in_the_message", Refusal::Signature, |h, s| {
            let certificate = h.stranger.certificate_text();
            let key = format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>");
            s.response(&sign(&s.assertion(), &h.stranger, &Form { key_info: Some(key), ..Form::default() }))
        }),
        ("signed_by_another_key_under_the_certificate_of_the_provider", Refusal::Signature, |h, s| {
            let certificate = h.idp.certificate_text();
            let key = format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>");
            s.response(&sign(&s.assertion(), &h.stranger, &Form { key_info: Some(key), ..Form::default() }))
        }),
        ("an_empty_signature_value", Refusal::SignatureForm, |h, s| {
            let signed = genuine(h, &s);
            let (before, rest) = signed.split_once("<ds:SignatureValue>").unwrap();
            let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
            s.response(&format!("{before}<ds:SignatureValue></ds:SignatureValue>{after}"))
        }),
        ("a_digest_of_something_else", Refusal::Signature, |h, s| {
            let one = signature(&evil(&s).assertion(), "_assertion", &h.idp, &Form::default());
            s.response(&put(&s.assertion(), &one))
        }),
    ]
}
