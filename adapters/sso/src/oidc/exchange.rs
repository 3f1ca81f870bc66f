//! What is asked of the provider behind the browser's back: tokens for a code, and information about the person.

use super::Refusal;
use super::claims::Claims;
use super::provider::{Document, Party};
use crate::http::{EgressClient, Reply};
use domain::directory::Hidden;
use openidconnect::url::form_urlencoded;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The tokens for one code.
pub(super) struct Tokens {
    pub(super) id_token: Hidden,
    pub(super) access_token: Option<Hidden>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<Hidden>,
    access_token: Option<Hidden>,
    token_type: Option<String>,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
}

/// What is traded for tokens.
pub(super) struct Trade<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a str,
    /// What shows that we are the client, where a key does so.
    pub(super) proof: Option<Hidden>,
}

/// What kind of proof it is (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Trades a code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(super) async fn tokens(
    http: &EgressClient,
    party: &Party<'_>,
    document: &Document,
    trade: &Trade<'_>,
) -> Result<Tokens, Refusal> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", trade.code),
        ("redirect_uri", trade.redirect_uri),
        ("code_verifier", trade.verifier),
    ];
    let client_id = party.settings.client_id.as_str();
    let secret = party.settings.client_secret.as_ref().map(Hidden::expose);
    let reply = match (secret, &trade.proof) {
        (None, Some(_)) if !document.takes("private_key_jwt") => return Err(Refusal::ClientAuthentication),
        (None, Some(proof)) => {
            // Entra ID wants to be told the name as well; it says the same (RFC 7521 §4.2).
            form.extend([
                ("client_id", client_id),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", proof.expose()),
            ]);
            http.post_form(&party.destinations, &document.token_endpoint, &form, None).await?
        }
        (Some(secret), _) if document.takes("client_secret_basic") => {
            // Both are encoded as in a form before they are joined (RFC 6749 §2.3.1).
            let (name, password) = (encoded(client_id), encoded(secret));
            http.post_form(&party.destinations, &document.token_endpoint, &form, Some((&name, &password))).await?
        }
        (Some(secret), _) if document.takes("client_secret_post") => {
            form.extend([("client_id", client_id), ("client_secret", secret)]);
            http.post_form(&party.destinations, &document.token_endpoint, &form, None).await?
        }
        (Some(_), _) => return Err(Refusal::ClientAuthentication),
        (None, None) => {
            form.push(("client_id", client_id));
            http.post_form(&party.destinations, &document.token_endpoint, &form, None).await?
        }
    };
    if !reply.is_ok() {
        return Err(refused(&reply));
    }
    let answer: TokenAnswer = serde_json::from_slice(&reply.body).map_err(|_| Refusal::TokenUnreadable)?;
    if !answer.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(Refusal::TokenUnreadable);
    }
    Ok(Tokens { id_token: answer.id_token.ok_or(Refusal::IdTokenMissing)?, access_token: answer.access_token })
}

fn refused(reply: &Reply) -> Refusal {
    if reply.status == 429 || reply.status >= 500 {
        return Refusal::ProviderUnavailable;
    }
    let error = serde_json::from_slice::<TokenError>(&reply.body);
    match error.as_ref().map(|told| told.error.as_str()) {
        Ok("invalid_grant") => Refusal::CodeRefused,
        Ok("invalid_client" | "unauthorized_client") => Refusal::ClientRefused,
        _ if reply.status == 401 => Refusal::ClientRefused,
        _ => Refusal::TokenRefused,
    }
}

/// Asks for information about the person whom the ID token names (OpenID Connect Core §5.3).
pub(super) async fn user_info(
    http: &EgressClient,
    party: &Party<'_>,
    url: &str,
    access_token: &Hidden,
    subject: Option<&str>,
) -> Result<Claims, Refusal> {
    let reply = http.get(&party.destinations, url, Some(access_token.expose())).await?;
    match reply.status {
        200 => {}
        429 | 500.. => return Err(Refusal::ProviderUnavailable),
        _ => return Err(Refusal::UserInfoUnreadable),
    }
    let claims: Claims = serde_json::from_slice(&reply.body).map_err(|_| Refusal::UserInfoUnreadable)?;
    // An access token may have been swapped for somebody else's (§5.3.2).
    let told = claims.get("sub").and_then(serde_json::Value::as_str);
    if told.is_some() && told == subject { Ok(claims) } else { Err(Refusal::UserInfoSubject) }
}

fn encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
}
