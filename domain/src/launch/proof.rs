//! Proof keys (RFC 7636): who redeems a code is who asked for it. Only `S256`; a plain one proves nothing to whoever saw the request.

use crate::secret::constant_time_eq;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Characters of a SHA-256 in base64url without padding.
const CHALLENGE_CHARACTERS: usize = 43;

/// Says whether a text can be a challenge: the hash of something, in canonical base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_CHARACTERS && URL_SAFE_NO_PAD.decode(text).is_ok_and(|hash| hash.len() == 32)
}

/// Says whether this verifier is what the challenge is the hash of (RFC 7636 §4.1, §4.6).
pub(super) fn fits(challenge: &str, verifier: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    formed && constant_time_eq(hash.as_bytes(), challenge.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_fits() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_challenge(challenge) && fits(challenge, verifier));
        assert!(!fits(challenge, challenge) && !fits(verifier, verifier), "never by being the same");
        assert!(!fits(challenge, "") && !fits(challenge, &verifier[1..]));
        for text in ["", "plain", &challenge[1..], &alloc::format!("{challenge}="), &challenge.replace('-', "+")] {
            assert!(!is_challenge(text), "{text}");
        }
    }
}
