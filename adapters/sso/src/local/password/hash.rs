//! Argon2id, its costs, and the PHC string that is stored.
//!
//! ```text
//!   $argon2id$v=19$m=65536,t=3,p=1[,keyid=<8 bytes>]$<salt>$<hash, 32 bytes>       base64 without padding
//! ```
//!
//! `keyid` is there when a pepper went into the password before; it names the pepper, so that one hash tells by itself
//! how it was made.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Says that costs are below the floor or above what a gateway will spend on one sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password hash takes 19456 to 262144 KiB of memory, 2 to 10 passes and 1 to 4 lanes, at least 8 KiB a lane")]
pub struct CostsOutOfBounds;

impl Costs {
    /// 64 MiB, three passes, one lane (RFC 9106 §4, second recommended option, with one lane).
    pub const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    /// The least that is accepted: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet, Argon2id).
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// The most that is accepted, and the most that a stored hash may ask for: 256 MiB, ten passes, four lanes.
    pub const CEILING: Self = Self { memory_kib: 256 * 1024, passes: 10, lanes: 4 };

    /// Accepts costs between [`Costs::FLOOR`] and [`Costs::CEILING`].
    ///
    /// # Errors
    /// [`CostsOutOfBounds`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostsOutOfBounds> {
        let costs = Self { memory_kib, passes, lanes };
        let floor = Self::FLOOR;
        let enough = memory_kib >= floor.memory_kib && passes >= floor.passes && lanes >= floor.lanes;
        if enough && costs.is_affordable() { Ok(costs) } else { Err(CostsOutOfBounds) }
    }

    fn is_affordable(self) -> bool {
        let ceiling = Self::CEILING;
        self.memory_kib <= ceiling.memory_kib && self.passes <= ceiling.passes && self.lanes <= ceiling.lanes
    }

    /// Costs nearly nothing; for tests of what is around the hash.
    #[cfg(test)]
    pub(in crate::local) const CHEAP: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
}

/// A stored hash, read.
pub(super) struct Stored {
    pub(super) costs: Costs,
    /// The name of the pepper that went into the password.
    pub(super) pepper: Option<[u8; 8]>,
    pub(super) salt: Vec<u8>,
    pub(super) hash: [u8; 32],
}

impl Stored {
    /// Reads a PHC string; `None` when it is anything but Argon2id version 19 within bounds.
    ///
    /// Costs below the floor are read, since a hash from before the floor rose must still verify once.
    pub(super) fn read(text: &str) -> Option<Self> {
        let phc = PasswordHash::new(text).ok()?;
        if phc.algorithm != ARGON2ID_IDENT || phc.version != Some(VERSION) {
            return None;
        }
        let params = Params::try_from(&phc).ok()?;
        let costs = Costs { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() };
        let pepper = match params.keyid() {
            [] => None,
            id => Some(id.try_into().ok()?),
        };
        if !costs.is_affordable() || !params.data().is_empty() {
            return None;
        }
        let salt = phc.salt?.as_ref().to_vec();
        let hash = phc.hash?.as_bytes().try_into().ok()?;
        Some(Self { costs, pepper, salt, hash })
    }

    /// Renders the PHC string.
    pub(super) fn render(&self) -> Option<String> {
        let mut params = ParamsString::new();
        for (name, value) in [("m", self.costs.memory_kib), ("t", self.costs.passes), ("p", self.costs.lanes)] {
            params.add_decimal(name, value).ok()?;
        }
        if let Some(id) = &self.pepper {
            params.add_b64_bytes("keyid", id).ok()?;
        }
        let phc = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(VERSION),
            params,
            salt: Some(Salt::new(&self.salt).ok()?),
            hash: Some(Output::new(&self.hash).ok()?),
        };
        Some(phc.to_string())
    }

    /// Computes the hash of a secret with the costs and the salt of this one; `None` when there is no memory for it.
    pub(super) fn compute(&self, secret: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let Costs { memory_kib, passes, lanes } = self.costs;
        let params = Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
        let mut hash = Zeroizing::new([0; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(secret, &self.salt, hash.as_mut_slice()).ok()?;
        Some(hash)
    }
}

/// Bytes of a new salt (RFC 9106 §3.1 recommends 16).
pub(super) const SALT_BYTES: usize = 16;
/// Argon2 version 1.3.
const VERSION: u32 = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_not_and_what_is_read_is_affordable(text in "(\\$argon2id)?(\\$v=19)?\\$[a-z=0-9,]{0,30}\\$\\PC{0,60}") {
            if let Some(stored) = Stored::read(&text) {
                prop_assert!(stored.costs.is_affordable());
            }
        }

        #[test]
        fn an_altered_hash_is_not_read_or_is_another(at in 0_usize..90, letter in "[A-Za-z0-9$=,+/]") {
            let good = stored(Some([9; 8])).render().unwrap();
            let mut altered = good.clone();
            altered.replace_range(at..at.saturating_add(1), &letter);
            if let Some(read) = Stored::read(&altered) {
                prop_assert_eq!(read.render().unwrap() == good, altered == good);
            }
        }
    }

    fn stored(pepper: Option<[u8; 8]>) -> Stored {
        Stored { costs: Costs::RECOMMENDED, pepper, salt: vec![1; 16], hash: [2; 32] }
    }

    #[test]
    fn a_hash_reads_back_from_what_is_stored() {
        for pepper in [None, Some([9; 8])] {
            let text = stored(pepper).render().unwrap();
            assert!(text.len() <= 256, "the directory keeps no more");
            let read = Stored::read(&text).unwrap();
            assert_eq!(
                (read.costs, read.pepper, read.salt, read.hash),
                (Costs::RECOMMENDED, pepper, vec![1; 16], [2; 32])
            );
        }
        let text = stored(None).render().unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{text}");
    }

    #[test]
    fn a_hash_of_the_reference_program_is_computed_alike() {
        // phc-winner-argon2: echo -n "password" | ./argon2 somesalt -id -t 2 -m 16 -p 1, its test vector.
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let stored = Stored::read(text).unwrap();
        assert_eq!(stored.compute(b"password").unwrap().as_slice(), stored.hash);
    }

    #[test]
    fn what_is_no_hash_of_ours_or_asks_for_too_much_is_not_read() {
        let good = stored(None).render().unwrap();
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("$v=19", ""),
            ("m=65536", "m=262145"),
            ("m=65536", "m=4294967295"),
            ("m=65536", "m=0"),
            ("t=3", "t=11"),
            ("t=3", "t=0"),
            ("p=1", "p=5"),
            ("p=1", "p=1,keyid=AAA"),
            ("p=1", "p=1,data=AAAA"),
            ("p=1", "p=1,x=1"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good);
            assert!(Stored::read(&text).is_none(), "{text}");
        }
        for text in ["", "$", "password", "$argon2id$v=19$m=65536,t=3,p=1$AQEBAQEBAQEBAQEBAQEBAQ", "$2b$12$abc"] {
            assert!(Stored::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn costs_lie_between_floor_and_ceiling() {
        assert_eq!(Costs::new(65_536, 3, 1), Ok(Costs::RECOMMENDED));
        assert_eq!(Costs::new(19_456, 2, 1), Ok(Costs::FLOOR));
        for (memory, passes, lanes) in
            [(19_455, 2, 1), (19_456, 1, 1), (19_456, 2, 0), (262_145, 2, 1), (19_456, 11, 1), (19_456, 2, 5)]
        {
            assert_eq!(Costs::new(memory, passes, lanes), Err(CostsOutOfBounds));
        }
    }
}
