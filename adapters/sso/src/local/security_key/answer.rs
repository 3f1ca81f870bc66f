//! What a browser brings back from a key.

use super::super::refusal::Reason;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential, WebauthnError};

/// Most bytes of an answer; one with a certificate chain that nobody asked for has some 6 KiB.
const MAX_ANSWER_BYTES: usize = 32 * 1024;

/// Most bytes of a credential id (WebAuthn Level 3 §4).
pub(super) const MAX_CREDENTIAL_BYTES: usize = 1_023;

/// An answer of either ceremony.
pub(super) trait Answer: DeserializeOwned {
    /// Borrows what the browser says of the ceremony: JSON (WebAuthn Level 3 §5.8.1).
    fn client_data(&self) -> &[u8];
}

impl Answer for RegisterPublicKeyCredential {
    fn client_data(&self) -> &[u8] {
        &self.response.client_data_json
    }
}

impl Answer for PublicKeyCredential {
    fn client_data(&self) -> &[u8] {
        &self.response.client_data_json
    }
}

/// Reads an answer, and which challenge it is to, in base64url.
pub(super) fn read<A: Answer>(text: &str) -> Result<(A, String), Reason> {
    if text.len() > MAX_ANSWER_BYTES {
        return Err(Reason::KeyAnswer);
    }
    let answer: A = serde_json::from_str(text).map_err(|_| Reason::KeyAnswer)?;
    let said: ClientData = serde_json::from_slice(answer.client_data()).map_err(|_| Reason::KeyAnswer)?;
    // Judged here for both ceremonies: the library looks at it as a key is added, and not as one is used (WebAuthn Level 3 §7.2).
    if said.cross_origin == Some(true) || said.top_origin.is_some() {
        return Err(Reason::WrongOrigin);
    }
    Ok((answer, said.challenge))
}

/// Says in our words why the library did not accept an answer.
pub(super) fn reason_of(why: &WebauthnError) -> Reason {
    match why {
        WebauthnError::InvalidRPOrigin | WebauthnError::CredentialCrossOrigin => Reason::WrongOrigin,
        WebauthnError::InvalidRPIDHash => Reason::WrongRelyingParty,
        WebauthnError::MismatchedChallenge => Reason::WrongChallenge,
        WebauthnError::UserNotPresent => Reason::UserNotPresent,
        WebauthnError::UserNotVerified => Reason::UserNotVerified,
        WebauthnError::CredentialNotFound => Reason::UnknownKey,
        WebauthnError::CredentialPossibleCompromise => Reason::CounterWentBack,
        WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => Reason::WrongSignature,
        WebauthnError::InvalidClientDataType
        | WebauthnError::ParseBase64Failure(_)
        | WebauthnError::ParseCBORFailure(_)
        | WebauthnError::ParseJSONFailure(_)
        | WebauthnError::ParseNOMFailure
        | WebauthnError::ParseInsufficientBytesAvailable => Reason::KeyAnswer,
        _ => Reason::KeyNotAccepted,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    challenge: String,
    /// Whether a page of another site framed the one that asked.
    #[serde(default)]
    cross_origin: Option<bool>,
    /// The page around it, then.
    #[serde(default)]
    top_origin: Option<String>,
}
