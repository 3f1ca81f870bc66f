//! The endpoints as a client sees them, and the FHIR interface with the tokens they issue, over the doubles of the ports.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and nobody imports it"
)]

mod client_keys;
mod house;
mod launches;
mod pages;
mod refusals;
mod rights;
mod tokens;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_keys::{EC, EC2, RSA};
use domain::id::RecordId;
use domain::ports::Clock;
use house::{Answer, House, TOKEN_URL};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

const ASSERTION_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// Which key signs an assertion.
#[derive(Clone, Copy)]
pub enum Signer {
    Rsa,
    Ec,
    OtherEc,
}

/// Signs any header and claims.
pub fn sign(header: &Value, claims: &Value, signer: Signer) -> String {
    let der = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (algorithm, key) = match signer {
        Signer::Rsa => (Algorithm::RS384, EncodingKey::from_rsa_der(&der(RSA))),
        Signer::Ec => (Algorithm::ES384, EncodingKey::from_ec_der(&der(EC))),
        Signer::OtherEc => (Algorithm::ES384, EncodingKey::from_ec_der(&der(EC2))),
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

impl House {
    pub fn seconds(&self) -> i64 {
        self.doubles.clock.now().0 / 1_000_000
    }

    /// The claims of a good assertion, its name new each time.
    pub fn claims(&self, client: RecordId) -> Value {
        let mut name = [0; 8];
        domain::ports::Entropy::fill(self.doubles.entropy.as_ref(), &mut name).unwrap();
        let client = client.to_string();
        json!({ "iss": client, "sub": client, "aud": TOKEN_URL, "exp": self.seconds() + 300, "jti": URL_SAFE_NO_PAD.encode(name) })
    }

    pub fn assertion(&self, client: RecordId) -> String {
        sign(&json!({ "alg": "ES384", "typ": "JWT", "kid": "e1" }), &self.claims(client), Signer::Ec)
    }

    /// The part of a form that authenticates a client.
    pub fn credentials(&self, client: RecordId) -> String {
        credentials(&self.assertion(client))
    }

    pub async fn ask(&self, client: RecordId, scope: &str) -> Answer {
        let scope = scope.replace('%', "%25").replace('+', "%2B").replace('&', "%26").replace(' ', "+");
        let form = format!("grant_type=client_credentials&scope={scope}&{}", self.credentials(client));
        self.post("/oauth/token", &form).await
    }

    pub async fn token(&self, client: RecordId, scope: &str) -> String {
        let answer = self.ask(client, scope).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

pub fn credentials(assertion: &str) -> String {
    format!("client_assertion_type={ASSERTION_TYPE}&client_assertion={assertion}")
}
