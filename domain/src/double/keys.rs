//! Keys of people and of connections that open nothing, for tests of what is kept of them.

use crate::directory::{ClientAlgorithm, ClientKey, Hidden, SecurityKey};
use crate::id::RecordId;
use crate::time::Timestamp;
use alloc::format;

/// Returns a security key of a host; another number makes another key.
#[must_use]
pub fn security_key(number: u8, host: &str) -> SecurityKey {
    SecurityKey {
        id: RecordId([number; 16]),
        name: format!("Key {number}"),
        added: Timestamp(0),
        credential: format!("AAA{number}"),
        host: host.into(),
        verifier: Hidden::new("{}".into()),
    }
}

/// Returns a client key of this id.
#[must_use]
pub fn client_key(id: &str) -> ClientKey {
    ClientKey {
        id: id.into(),
        algorithm: ClientAlgorithm::Es256,
        private: Hidden::new("AAAA".into()),
        certificate: "AAAA".into(),
        created: Timestamp(0),
    }
}
