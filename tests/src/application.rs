//! An application that acts by itself: it has a key, signs client assertions, and asks for tokens (SMART Backend Services).

use crate::home::Home;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::json;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The form field that says what an assertion is (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application that is registered.
pub struct Application {
    /// Its client id.
    pub id: String,
    key: EncodingKey,
}

impl Application {
    /// Makes a key and registers an application with it; `more` are further options, its scopes among them.
    #[must_use]
    pub fn registered(home: &Home, tenant: &str, name: &str, more: &[&str]) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
        // An uncompressed point: 04, x, y (SEC 1 §2.3.3).
        let (x, y) = pair.public_key_raw().get(1..).and_then(|point| point.split_at_checked(48)).expect("a point");
        let encoded = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let key = json!({ "kty": "EC", "crv": "P-384", "alg": "ES384", "use": "sig", "kid": name, "x": encoded(x), "y": encoded(y) });
        let file = home.path(&format!("{name}.json"));
        fs::write(&file, json!({ "keys": [key] }).to_string()).expect("the key set is written");
        let file = file.display().to_string();
        let add = ["application", "add-backend", name, "--tenant", tenant, "--jwks-file", &file, "--json"];
        let added = home.json(&[add.as_slice(), more].concat());
        let id = added["client_id"].as_str().unwrap_or_else(|| panic!("a client id: {added}"));
        Self { id: id.to_owned(), key: EncodingKey::from_ec_der(pair.serialized_der()) }
    }

    /// Signs an assertion for a token endpoint as a client, its own id or another; it is good for so many seconds.
    #[must_use]
    pub fn assertion(&self, endpoint: &str, client: &str, key: &str, seconds: i64) -> String {
        static USED: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the time").as_secs();
        let expires = i64::try_from(now).expect("a time of these days") + seconds;
        let name = format!("{}-{now}-{}", self.id, USED.fetch_add(1, Ordering::Relaxed));
        let claims = json!({ "iss": client, "sub": client, "aud": endpoint, "exp": expires, "jti": name });
        let header = Header { kid: Some(key.to_owned()), ..Header::new(Algorithm::ES384) };
        jsonwebtoken::encode(&header, &claims, &self.key).expect("an assertion")
    }
}
