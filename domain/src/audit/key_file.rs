//! The segment keys of one chain as a file for an auditor.

use super::canonical::hex;
use super::{ChainId, ChainKey, ChainKeys, PublicKey, SegmentKeys, segment_of};
use crate::secret::Secret;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Segment keys that an auditor was given: `{"chain":"<id>","keys":{"0":"hex",…},"public_key":"…"}`.
///
/// The file is secret: whoever has it can check those segments, and forge entries of them that only the
/// checkpoints give away. Hand out the public key alone where signatures are enough.
pub struct SegmentKeyFile {
    chain: ChainId,
    keys: BTreeMap<u64, Secret<32>>,
    public: PublicKey,
}

impl SegmentKeyFile {
    /// Takes the keys of the segments of the entries `from` to `to`.
    #[must_use]
    pub fn of(keys: &ChainKeys, public: PublicKey, chain: ChainId, from: u64, to: u64) -> Self {
        let taken = (segment_of(from)..=segment_of(to))
            .filter_map(|segment| Some((segment, Secret::new(*keys.segment_key(chain, segment)?.expose()))));
        Self { chain, keys: taken.collect(), public }
    }

    /// Renders the file; wiped when dropped.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<String> {
        let mut form = Form {
            chain: self.chain.to_string(),
            keys: self.keys.iter().map(|(segment, key)| (*segment, text(key))).collect(),
            public_key: self.public.to_text(self.chain),
        };
        let json = serde_json::to_string(&form).unwrap_or_default();
        form.keys.values_mut().for_each(Zeroize::zeroize);
        Zeroizing::new(json)
    }

    /// Reads the file; `None` when it is not one.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let mut form: Form = serde_json::from_str(json).ok()?;
        let chain: ChainId = form.chain.parse().ok()?;
        let public = PublicKey::from_text(chain, &form.public_key);
        let keys = form.keys.iter().map(|(segment, key)| Some((*segment, read(key)?))).collect::<Option<_>>();
        form.keys.values_mut().for_each(Zeroize::zeroize);
        Some(Self { chain, keys: keys?, public: public? })
    }

    /// Returns the chain.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    /// Returns the key that checks signatures.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl SegmentKeys for SegmentKeyFile {
    fn segment_key(&self, chain: ChainId, segment: u64) -> Option<ChainKey> {
        let key = self.keys.get(&segment).filter(|_| chain == self.chain)?;
        Some(ChainKey::new(Secret::new(*key.expose())))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    chain: String,
    keys: BTreeMap<u64, String>,
    public_key: String,
}

fn text(key: &Secret<32>) -> String {
    hex(key.expose()).iter().map(|digit| char::from(*digit)).collect()
}

fn read(text: &str) -> Option<Secret<32>> {
    let digits = text.as_bytes().first_chunk::<64>().filter(|_| text.len() == 64)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Secret::new(bytes))
}
