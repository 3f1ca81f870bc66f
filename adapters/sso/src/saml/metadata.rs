//! Our own metadata, as identity providers read it.

use super::keys::{KeyFault, KeyPair, ServiceKeys};
use super::names::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, DSIG, METADATA, POST, PROTOCOL, REDIRECT, RSA_OAEP, RSA_OAEP_MGF1P,
};
use super::urls::Urls;
use super::xml::escape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::time::Timestamp;
use std::fmt::Write;

/// For how long what we publish may be believed, in seconds: 30 days.
pub const VALID_SECONDS: i64 = 30 * 86_400;

/// Renders our metadata for one connection.
///
/// # Errors
/// [`KeyFault::Unreadable`].
pub(super) fn render(keys: &ServiceKeys, entity_id: &str, urls: &Urls, now: Timestamp) -> Result<String, KeyFault> {
    let mut described = String::new();
    for pair in &keys.signing {
        key_descriptor(&mut described, "signing", pair, &[])?;
    }
    for pair in &keys.encryption {
        // The best first: an identity provider takes the first that it knows.
        let methods = [AES256_GCM, AES128_GCM, AES256_CBC, AES128_CBC, RSA_OAEP_MGF1P, RSA_OAEP];
        key_descriptor(&mut described, "encryption", pair, &methods)?;
    }
    let (entity, acs, slo) = (escape(entity_id), escape(&urls.acs), escape(&urls.slo));
    let until = now.plus_seconds(VALID_SECONDS).rfc3339();
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" xmlns:ds=\"{DSIG}\" entityID=\"{entity}\" validUntil=\"{until}\">\n  \
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">\n\
         {described}    \
         <md:SingleLogoutService Binding=\"{REDIRECT}\" Location=\"{slo}\"/>\n    \
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\n  \
         </md:SPSSODescriptor>\n\
         </md:EntityDescriptor>\n"
    ))
}

fn key_descriptor(text: &mut String, purpose: &str, pair: &KeyPair, methods: &[&str]) -> Result<(), KeyFault> {
    let certificate = STANDARD.encode(pair.certificate_der()?);
    let methods: String =
        methods.iter().map(|method| format!("<md:EncryptionMethod Algorithm=\"{method}\"/>")).collect();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "    <md:KeyDescriptor use=\"{purpose}\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"
    );
    Ok(())
}
