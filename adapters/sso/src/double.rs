//! A security key made of software, for tests: ES256 and no attestation, with everything that a key and a browser say of themselves
//! open to be told wrongly.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A key with its browser.
pub struct Authenticator {
    /// The origin of the page that the browser says it is used on.
    pub origin: String,
    /// The relying party that it signs for, where that is another than it is asked to.
    pub relying_party: Option<String>,
    /// Whether it says that a page of another site framed the one that asked.
    pub framed: bool,
    /// Whether somebody touches it.
    pub present: bool,
    /// Whether it asks for a PIN.
    pub verifies: bool,
    /// Whether it is kept in step between devices.
    pub synced: bool,
    /// How often it has signed; each signature adds one, unless it is `None`: then it never counts.
    pub counter: Option<u32>,
    secret: SigningKey,
    credential: Vec<u8>,
}

impl Authenticator {
    /// Makes a key; another number makes another key. `None` for 0.
    #[must_use]
    pub fn new(number: u8, origin: &str) -> Option<Self> {
        Some(Self {
            origin: origin.to_owned(),
            relying_party: None,
            framed: false,
            present: true,
            verifies: true,
            synced: false,
            counter: Some(0),
            secret: SigningKey::from_slice(&[number; 32]).ok()?,
            credential: vec![number; 20],
        })
    }

    /// Answers `navigator.credentials.create`; `None` for options that are none.
    pub fn register(&mut self, options: &str) -> Option<String> {
        let asked = Asked::read(options)?;
        let point = self.secret.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes().get(1..)?.split_first_chunk::<32>()?;
        // COSE_Key of ES256 (RFC 9053 §2.1, §7.1.1): kty EC2, alg, crv P-256, x, y.
        let mut data = self.authenticator_data(&asked, 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).ok()?.to_be_bytes());
        data.extend(&self.credential);
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        // {"fmt": "none", "attStmt": {}, "authData": …}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).ok()?);
        object.extend(data);
        let client = self.client_data(&asked, "webauthn.create");
        Some(self.credential_of(&json!({ "attestationObject": base64(&object), "clientDataJSON": base64(&client) })))
    }

    /// Answers `navigator.credentials.get`; `None` for options that are none.
    pub fn sign(&mut self, options: &str) -> Option<String> {
        let asked = Asked::read(options)?;
        let (data, client) = (self.authenticator_data(&asked, 0), self.client_data(&asked, "webauthn.get"));
        let hash: [u8; 32] = Sha256::digest(&client).into();
        let signature: DerSignature = self.secret.try_sign(&[data.as_slice(), &hash].concat()).ok()?;
        Some(self.credential_of(&json!({
            "authenticatorData": base64(&data), "clientDataJSON": base64(&client),
            "signature": base64(signature.as_bytes()), "userHandle": null,
        })))
    }

    /// Hash of the relying party, flags and counter (WebAuthn Level 3 §6.1); each costs one count.
    fn authenticator_data(&mut self, asked: &Asked, more: u8) -> Vec<u8> {
        self.counter = self.counter.map(|counter| counter.wrapping_add(1));
        let relying_party = self.relying_party.as_deref().unwrap_or(&asked.relying_party);
        let mut data = Sha256::digest(relying_party.as_bytes()).to_vec();
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        data.push(more | flag(self.present, 0x01) | flag(self.verifies, 0x04) | flag(self.synced, 0x18));
        data.extend(self.counter.unwrap_or(0).to_be_bytes());
        data
    }

    fn client_data(&self, asked: &Asked, what: &str) -> Vec<u8> {
        json!({ "type": what, "challenge": asked.challenge, "origin": self.origin, "crossOrigin": self.framed })
            .to_string()
            .into_bytes()
    }

    fn credential_of(&self, response: &Value) -> String {
        let id = base64(&self.credential);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
    }
}

/// What a page asks.
struct Asked {
    challenge: String,
    relying_party: String,
}

impl Asked {
    fn read(options: &str) -> Option<Self> {
        let options: Value = serde_json::from_str(options).ok()?;
        let asked = options.get("publicKey")?;
        let relying_party = asked.get("rpId").or_else(|| asked.get("rp")?.get("id"))?;
        Some(Self {
            challenge: asked.get("challenge")?.as_str()?.to_owned(),
            relying_party: relying_party.as_str()?.to_owned(),
        })
    }
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
