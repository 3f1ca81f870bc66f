//! What an assertion must say to be believed: whom it is for, when, and in answer to what.

use crate::house::{Case, House, Site, case, noon, refused, run};
use crate::provider::{ENVELOPED, EXC, Form, Says, Signing, sign, transform};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::access::Factor;
use domain::identity::Groups;
use sso::saml::{Ask, Refusal};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = wrong()
        .into_iter()
        .map(|(name, expected, change)| {
            case(format!("truth::{name}"), move |house: &House| {
                refused(house.site().changed(house, change), expected);
            })
        })
        .collect();
    cases.extend([
        case("truth::a_signed_assertion_is_believed", |house| {
            let verified = house.site().changed(house, |_| {}).unwrap();
            let told = verified.assertion;
            assert_eq!((told.subject.as_str(), told.display.as_str()), ("alice", "Alice \u{c5}berg"));
            assert!(told.groups == Groups::Known(vec!["providers".to_owned(), "ward & lab".to_owned()]));
            assert_eq!(told.factor, Factor::Missing);
            assert_eq!(told.authenticated, noon().plus_seconds(-5));
            assert_eq!(told.provider_session.as_deref(), Some("_session"));
            assert_eq!(verified.logged_in.unwrap().name_id.value, "alice");
        }),
        case("truth::a_signed_response_is_believed", |house| {
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let response = sign(&says.response(&says.assertion()), &house.idp, &Form::default());
            assert_eq!(site.finish(Some(&pending), &response).unwrap().assertion.subject, "alice");
        }),
        case("truth::a_signed_response_with_a_signed_assertion_is_believed", |house| {
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            let response = sign(&response, &house.idp, &Form::default());
            assert_eq!(site.finish(Some(&pending), &response).unwrap().assertion.subject, "alice");
        }),
        case("truth::each_key_of_a_roll_over_and_elliptic_curves_are_believed", |house| {
            let ecdsa = Form { method: crate::provider::ECDSA_SHA256, ..Form::default() };
            for (signing, form) in [(&house.idp, Form::default()), (&house.next, Form::default()), (&house.ec, ecdsa)] {
                let site = house.site_of(&[&house.ec, &house.idp, &house.next]);
                let pending = site.begin();
                let says = site.says(&pending);
                let response = says.response(&sign(&says.assertion(), signing, &form));
                assert_eq!(site.finish(Some(&pending), &response).unwrap().assertion.subject, "alice");
            }
        }),
        case("truth::typed_values_and_inclusive_namespaces_are_believed", |house| {
            let site = house.site();
            let pending = site.begin();
            let mut says = site.says(&pending);
            let typed = "<saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:string\">";
            says.attributes = says.attributes.replace("<saml:AttributeValue>", typed);
            let declared = " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" ID=";
            let assertion = says.assertion().replacen(" ID=", declared, 1);
            let kept = format!(
                "<ds:Transform Algorithm=\"{EXC}\"><ec:InclusiveNamespaces xmlns:ec=\"{EXC}\" PrefixList=\"xs\">\
                 </ec:InclusiveNamespaces></ds:Transform>"
            );
            let form = Form { transforms: vec![transform(ENVELOPED), kept], ..Form::default() };
            let response = says.response(&sign(&assertion, &house.idp, &form));
            let told = site.finish(Some(&pending), &response).unwrap().assertion;
            assert!(told.groups == Groups::Known(vec!["providers".to_owned(), "ward & lab".to_owned()]));
        }),
        case("truth::extensions_of_a_response_are_passed_over", |house| {
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let key = "<samlp:Extensions><k:KeyInfo xmlns:k=\"urn:keycloak:ext:key:1.0\" MessageSigningKeyId=\"x\"></k:KeyInfo>\
                       </samlp:Extensions><samlp:Status>";
            let response = says.response(&says.assertion()).replacen("<samlp:Status>", key, 1);
            let response = sign(&response, &house.idp, &Form::default());
            assert_eq!(site.finish(Some(&pending), &response).unwrap().assertion.subject, "alice");
        }),
        case("truth::pretty_printing_declarations_and_line_ends_are_no_matter", |house| {
            let site = house.site();
            let pending = site.begin();
            let mut says = site.says(&pending);
            says.name_id = says.name_id.replace("alice", "\n  alice\n  ");
            let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            let response = response.replacen("<samlp:Status>", "\r\n  <samlp:Status>", 1);
            let response = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n{response}\n");
            assert_eq!(site.finish(Some(&pending), &response).unwrap().assertion.subject, "alice");
        }),
        case("truth::an_assertion_is_good_once_on_every_gateway", |house| {
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            assert!(site.finish(Some(&pending), &response).is_ok());
            refused(site.finish(Some(&pending), &response), Refusal::Replay);
            let other = house.site_on(&[&house.idp], &site.tickets);
            refused(other.finish(Some(&pending), &response), Refusal::Replay);
            // Once the mark is gone, the assertion is long over.
            site.clock.advance(300 + 2 * 120);
            refused(site.finish(Some(&pending), &response), Refusal::Expired);
        }),
        case("truth::of_two_who_post_it_at_once_one_is_believed", |house| {
            let site = house.site();
            let other = house.site_on(&[&house.idp], &site.tickets);
            let pending = site.begin();
            let says = site.says(&pending);
            let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            let text = STANDARD.encode(response);
            let (one, two) = run(async {
                tokio::join!(
                    site.provider.finish(&site.connection, &site.urls, Some(&pending), &text),
                    other.provider.finish(&other.connection, &other.urls, Some(&pending), &text),
                )
            });
            assert!(one.is_ok() != two.is_ok());
        }),
        case("truth::clocks_may_be_apart_by_two_minutes", |house| {
            for (seconds, believed) in [(-124, true), (-126, false), (419, true), (420, false)] {
                let site = house.site();
                let pending = site.begin();
                let mut says = site.says(&pending);
                says.issued = noon().plus_seconds(-5);
                says.assertion_issued = noon().plus_seconds(-5);
                let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
                site.clock.advance(seconds);
                assert_eq!(site.finish(Some(&pending), &response).is_ok(), believed, "{seconds}");
            }
        }),
        case("truth::a_response_is_for_the_browser_that_asked", |house| {
            let site = house.site();
            let (mine, theirs) = (site.begin(), site.begin());
            let says = site.says(&theirs);
            let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            refused(site.finish(Some(&mine), &response), Refusal::InResponseTo);
            refused(site.finish(None, &response), Refusal::Unsolicited);
            let mut elsewhere = theirs;
            elsewhere.connection = domain::id::RecordId([6; 16]);
            refused(site.finish(Some(&elsewhere), &response), Refusal::InResponseTo);
            // Before any signature is verified: that would cost a process.
            let forged = says.response(&sign(&says.assertion(), &house.stranger, &Form::default()));
            refused(site.finish(Some(&mine), &forged), Refusal::InResponseTo);
        }),
        case("truth::an_unsolicited_response_is_refused_unless_allowed", |house| {
            let response = |site: &Site| {
                let says = Says::honest(noon(), &site.urls.acs, &site.urls.metadata, crate::house::ISSUER, None);
                says.response(&sign(&says.assertion(), &house.idp, &Form::default()))
            };
            let mut site = house.site();
            refused(site.finish(None, &response(&site)), Refusal::Unsolicited);
            refused(site.finish(Some(&site.begin()), &response(&site)), Refusal::Unsolicited);
            site.settings().allow_unsolicited = true;
            assert_eq!(site.finish(None, &response(&site)).unwrap().assertion.subject, "alice");
        }),
        case("truth::where_unsolicited_is_allowed_an_answer_still_needs_its_request", |house| {
            let mut site = house.site();
            site.settings().allow_unsolicited = true;
            let pending = site.begin();
            let mut says = site.says(&pending);
            let assertion = sign(&says.assertion(), &house.idp, &Form::default());
            refused(site.finish(None, &says.response(&assertion)), Refusal::InResponseTo);
            // The response around a signed assertion is anybody's.
            says.in_response_to = None;
            refused(site.finish(None, &says.response(&assertion)), Refusal::InResponseTo);
        }),
        case("truth::a_second_factor_is_what_the_connection_says_it_is", |house| {
            let context = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
            let methods = "<saml:AttributeStatement><saml:Attribute Name=\"http://schemas.microsoft.com/claims/authnmethodsreferences\">\
                           <saml:AttributeValue>http://schemas.microsoft.com/claims/multipleauthn</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>";
            let mut site = house.site();
            site.settings().second_factor_contexts = vec![context.to_owned()];
            assert_eq!(site.changed(house, |_| {}).unwrap().assertion.factor, Factor::Shown);
            let mut site = house.site();
            site.settings().second_factor_contexts = vec!["http://schemas.microsoft.com/claims/multipleauthn".to_owned()];
            let entra = site.changed(house, |says| methods.clone_into(&mut says.attributes)).unwrap();
            assert_eq!(entra.assertion.factor, Factor::Shown);
        }),
        case("truth::a_second_factor_of_long_ago_is_not_joined_with_a_password_of_now", |house| {
            let context = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
            let long_ago = noon().plus_seconds(-86_400);
            let with_old = |says: &mut Says| {
                let old = says.authn.replace(&noon().plus_seconds(-5).rfc3339(), &long_ago.rfc3339());
                let old = old.replace("PasswordProtectedTransport", "TimeSyncToken").replace("_session", "_old");
                (says.authn.clone(), old)
            };
            for old_first in [false, true] {
                let mut site = house.site();
                site.settings().second_factor_contexts = vec![context.to_owned()];
                let told = site.changed(house, |says| {
                    let (new, old) = with_old(says);
                    says.authn = if old_first { old + &new } else { new + &old };
                });
                let told = told.unwrap().assertion;
                assert_eq!((told.factor, told.authenticated), (Factor::Shown, long_ago), "{old_first}");
                assert_eq!(told.provider_session.as_deref(), Some("_old"));
            }
            let methods = "<saml:AttributeStatement><saml:Attribute Name=\"http://schemas.microsoft.com/claims/authnmethodsreferences\">\
                           <saml:AttributeValue>mfa</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>";
            let mut site = house.site();
            site.settings().second_factor_contexts = vec!["mfa".to_owned()];
            let told = site.changed(house, |says| {
                let (new, old) = with_old(says);
                says.authn = new + &old;
                methods.clone_into(&mut says.attributes);
            });
            let told = told.unwrap().assertion;
            assert_eq!((told.factor, told.authenticated), (Factor::Shown, long_ago), "of which it is, nobody says");
        }),
        case("truth::groups_behind_a_link_are_unknown_and_not_none", |house| {
            let link = "<saml:AttributeStatement><saml:Attribute Name=\"http://schemas.microsoft.com/claims/groups.link\">\
                        <saml:AttributeValue>https://graph.example</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>";
            let verified = house.site().changed(house, |says| link.clone_into(&mut says.attributes)).unwrap();
            assert!(verified.assertion.groups == Groups::Unknown);
            let verified = house.site().changed(house, |says| says.attributes.clear()).unwrap();
            assert!(verified.assertion.groups == Groups::Known(Vec::new()));
            let mut site = house.site();
            site.connection.provisioning.groups = domain::directory::ProvisionedGroups::WhenUnknown;
            let verified = site.changed(house, |says| says.attributes.clear()).unwrap();
            assert!(verified.assertion.groups == Groups::Unknown, "then those are asked for that it told of ahead");
        }),
        case("truth::an_attribute_in_several_pieces_is_one", |house| {
            let roles = "<saml:AttributeStatement><saml:Attribute Name=\"Role\"><saml:AttributeValue>a</saml:AttributeValue></saml:Attribute>\
                         <saml:Attribute Name=\"Role\"><saml:AttributeValue>b</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>";
            let mut site = house.site();
            site.settings().roles_attribute = Some("Role".to_owned());
            let verified = site.changed(house, |says| roles.clone_into(&mut says.attributes)).unwrap();
            assert_eq!(verified.assertion.roles, ["a", "b"]);
        }),
        case("truth::a_person_is_named_by_one_value_of_the_attribute_asked_for", |house| {
            let mut site = house.site();
            site.settings().subject_attribute = Some("name".to_owned());
            assert_eq!(site.changed(house, |_| {}).unwrap().assertion.subject, "Alice \u{c5}berg");
            let mut site = house.site();
            site.settings().subject_attribute = Some("groups".to_owned());
            refused(site.changed(house, |_| {}), Refusal::Subject);
            site.settings().subject_attribute = Some("uid".to_owned());
            refused(site.changed(house, |_| {}), Refusal::Subject);
        }),
        case("truth::a_persistent_name_is_asked_for_unless_an_attribute_names_people", |house| {
            let mut site = house.site();
            for (attribute, policy) in [
                (None, "<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" AllowCreate"),
                (Some("uid".to_owned()), "<samlp:NameIDPolicy AllowCreate"),
            ] {
                site.settings().subject_attribute = attribute;
                let ask = Ask { fresh: false, contexts: Vec::new() };
                let begun = site.provider.begin(&site.connection, &site.urls, "relay", &ask).unwrap();
                assert!(crate::logout::inflated(&begun.redirect).contains(policy), "{policy}");
            }
        }),
        case("truth::by_an_attribute_the_name_id_may_be_of_any_format", |house| {
            let mut site = house.site();
            site.settings().subject_attribute = Some("name".to_owned());
            let verified = site.changed(house, |says| says.name_id = named_as("1.1:nameid-format:emailAddress"));
            assert_eq!(verified.unwrap().assertion.subject, "Alice \u{c5}berg");
        }),
        case("truth::a_name_may_say_that_it_is_the_providers_for_us", |house| {
            let site = house.site();
            let pending = site.begin();
            let mut says = site.says(&pending);
            let ours = format!(
                "\" NameQualifier=\"{}\" SPNameQualifier=\"{}\">alice",
                crate::house::ISSUER,
                site.urls.metadata
            );
            says.name_id = says.name_id.replace("\">alice", &ours);
            let response = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            assert_eq!(site.finish(Some(&pending), &response).unwrap().assertion.subject, "alice");
        }),
        case("truth::who_was_to_sign_in_anew_has_to", |house| {
            let site = house.site();
            let ask = Ask { fresh: true, contexts: Vec::new() };
            let pending = site.provider.begin(&site.connection, &site.urls, "relay", &ask).unwrap().pending;
            let answer = |seconds: i64| {
                let mut says = site.says(&pending);
                let (was, is) = (noon().plus_seconds(-5).rfc3339(), noon().plus_seconds(seconds).rfc3339());
                says.authn = says.authn.replace(&was, &is);
                site.finish(Some(&pending), &says.response(&sign(&says.assertion(), &house.idp, &Form::default())))
            };
            refused(answer(-121), Refusal::NotFresh);
            assert!(answer(-5).is_ok());
        }),
        case("truth::the_end_of_the_providers_session_is_ours", |house| {
            let end = noon().plus_seconds(3_600);
            let ends = format!("<saml:AuthnStatement SessionNotOnOrAfter=\"{}\"", end.rfc3339());
            let verified = house.site().changed(house, |says| says.authn = says.authn.replace("<saml:AuthnStatement", &ends));
            // Attributes out of canonical order: signed as they are rendered, so the digest is another.
            refused(verified, Refusal::Signature);
            let ends = format!("_session\" SessionNotOnOrAfter=\"{}\"", end.rfc3339());
            let verified = house.site().changed(house, |says| says.authn = says.authn.replace("_session\"", &ends));
            assert_eq!(verified.unwrap().assertion.until, Some(end));
        }),
        case("truth::a_key_of_the_wrong_size_is_as_if_it_were_not_there", |house| {
            let weak: &Signing = &house.weak;
            let site = house.site_of(&[weak, &house.idp]);
            let pending = site.begin();
            let says = site.says(&pending);
            let response = says.response(&sign(&says.assertion(), weak, &Form::default()));
            refused(site.finish(Some(&pending), &response), Refusal::Signature);
        }),
    ]);
    cases
}

fn named_as(format: &str) -> String {
    format!("<saml:NameID Format=\"urn:oasis:names:tc:SAML:{format}\">alice</saml:NameID>")
}

type Change = (&'static str, Refusal, fn(&mut Says));

/// One thing that is wrong with what an identity provider signed, each.
fn wrong() -> Vec<Change> {
    vec![
        ("wrong_audience", Refusal::Audience, |s| s.conditions = s.conditions.replace("/metadata<", "/metadata2<")),
        ("missing_audience", Refusal::Audience, |s| {
            let from = s.conditions.find("<saml:AudienceRestriction>").unwrap();
            s.conditions = format!("{}</saml:Conditions>", &s.conditions[..from]);
        }),
        ("two_audience_restrictions_one_wrong", Refusal::Audience, |s| {
            s.conditions = s.conditions.replace(
                "</saml:Conditions>",
                "<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>",
            );
        }),
        ("wrong_recipient", Refusal::Recipient, |s| s.confirmation = s.confirmation.replace("/acs\"", "/acs2\"")),
        ("missing_recipient", Refusal::Recipient, |s| {
            let from = s.confirmation.find(" Recipient=").unwrap();
            s.confirmation = format!("{}></saml:SubjectConfirmationData>", &s.confirmation[..from]);
        }),
        ("wrong_destination", Refusal::Destination, |s| s.destination = Some("https://other.example/acs".to_owned())),
        ("missing_destination", Refusal::Destination, |s| s.destination = None),
        ("wrong_in_response_to_of_the_response", Refusal::InResponseTo, |s| {
            s.in_response_to = Some("_other".to_owned())
        }),
        ("missing_in_response_to_of_the_response", Refusal::Unsolicited, |s| s.in_response_to = None),
        ("missing_in_response_to_of_the_confirmation", Refusal::InResponseTo, |s| {
            let from = s.confirmation.find(" InResponseTo=").unwrap();
            let to = s.confirmation.find(" NotOnOrAfter=").unwrap();
            s.confirmation.replace_range(from..to, "");
        }),
        ("wrong_in_response_to_of_the_confirmation", Refusal::InResponseTo, |s| {
            s.confirmation = s.confirmation.replace(" InResponseTo=\"_", " InResponseTo=\"_0");
        }),
        ("wrong_issuer_of_the_assertion", Refusal::Issuer, |s| s.issuer = "https://other.example".to_owned()),
        ("issuer_with_a_slash_more", Refusal::Issuer, |s| s.issuer.push('/')),
        ("wrong_issuer_of_the_response", Refusal::Issuer, |s| {
            s.response_issuer = Some("https://other.example".to_owned())
        }),
        ("holder_of_key_confirmation", Refusal::Confirmation, |s| {
            s.method = s.method.replace("bearer", "holder-of-key")
        }),
        ("sender_vouches_confirmation", Refusal::Confirmation, |s| {
            s.method = s.method.replace("bearer", "sender-vouches")
        }),
        ("confirmation_without_end", Refusal::Confirmation, |s| {
            s.confirmation = s.confirmation.replace(" NotOnOrAfter=", " NotAfter=")
        }),
        ("confirmation_without_data", Refusal::Recipient, |s| s.confirmation.clear()),
        ("confirmation_over", Refusal::Expired, |s| {
            s.confirmation =
                s.confirmation.replace(&noon().plus_seconds(300).rfc3339(), &noon().plus_seconds(-120).rfc3339());
        }),
        ("conditions_missing", Refusal::Conditions, |s| s.conditions.clear()),
        ("conditions_over", Refusal::Expired, |s| {
            s.conditions =
                s.conditions.replace(&noon().plus_seconds(300).rfc3339(), &noon().plus_seconds(-120).rfc3339());
        }),
        ("conditions_not_yet", Refusal::NotYetValid, |s| {
            s.conditions =
                s.conditions.replace(&noon().plus_seconds(-5).rfc3339(), &noon().plus_seconds(121).rfc3339());
        }),
        ("unknown_condition", Refusal::UnknownCondition, |s| {
            s.conditions =
                s.conditions.replace("</saml:Conditions>", "<saml:Condition></saml:Condition></saml:Conditions>");
        }),
        ("assertion_issued_in_the_future", Refusal::NotYetValid, |s| s.assertion_issued = noon().plus_seconds(3_600)),
        ("response_issued_in_the_future", Refusal::NotYetValid, |s| s.issued = noon().plus_seconds(121)),
        ("authn_statement_missing", Refusal::AuthnStatement, |s| s.authn.clear()),
        ("signed_in_in_the_future", Refusal::NotYetValid, |s| {
            s.authn = s.authn.replace(&noon().plus_seconds(-5).rfc3339(), &noon().plus_seconds(121).rfc3339());
        }),
        ("session_over", Refusal::SessionEnded, |s| {
            let ends = format!("_session\" SessionNotOnOrAfter=\"{}\"", noon().rfc3339());
            s.authn = s.authn.replace("_session\"", &ends);
        }),
        ("status_of_the_requester", Refusal::Status, |s| {
            s.status = Some("urn:oasis:names:tc:SAML:2.0:status:Requester".to_owned())
        }),
        ("status_missing", Refusal::Status, |s| s.status = None),
        ("version_of_the_response", Refusal::Version, |s| s.version = "1.1"),
        ("version_of_the_assertion", Refusal::Version, |s| s.assertion_version = "1.1"),
        ("subject_without_name", Refusal::Subject, |s| s.name_id.clear()),
        ("subject_with_an_empty_name", Refusal::Subject, |s| s.name_id = s.name_id.replace("alice", " ")),
        ("transient_name", Refusal::TransientSubject, |s| s.name_id = s.name_id.replace("persistent", "transient")),
        ("name_by_e_mail", Refusal::SubjectFormat, |s| s.name_id = named_as("1.1:nameid-format:emailAddress")),
        ("name_unspecified", Refusal::SubjectFormat, |s| s.name_id = named_as("1.1:nameid-format:unspecified")),
        ("name_at_a_domain", Refusal::SubjectFormat, |s| {
            s.name_id = named_as("1.1:nameid-format:WindowsDomainQualifiedName");
        }),
        ("name_with_a_space_behind_its_format", Refusal::SubjectFormat, |s| {
            s.name_id = named_as("2.0:nameid-format:transient ");
        }),
        ("name_without_a_format", Refusal::SubjectFormat, |s| {
            s.name_id = "<saml:NameID>alice</saml:NameID>".to_owned();
        }),
        ("name_by_another_provider", Refusal::SubjectQualifier, |s| {
            s.name_id = s.name_id.replace("\">alice", "\" NameQualifier=\"https://other.example\">alice");
        }),
        ("name_for_another_service", Refusal::SubjectQualifier, |s| {
            s.name_id = s.name_id.replace("\">alice", "\" SPNameQualifier=\"https://other.example\">alice");
        }),
        ("encrypted_name", Refusal::EncryptedPart, |s| s.name_id = "<saml:EncryptedID></saml:EncryptedID>".to_owned()),
        ("time_without_a_zone", Refusal::Time, |s| s.authn = s.authn.replace(".000Z", "")),
    ]
}
