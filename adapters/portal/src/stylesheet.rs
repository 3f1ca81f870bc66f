//! The one stylesheet, compiled in and named by its content, so that it may be kept for good.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::LazyLock;

/// Its text.
pub(crate) const TEXT: &str = include_str!("../assets/sealgate.css");

/// Its file name: `sealgate-`, 16 hexadecimal digits of its SHA-256, `.css`.
pub(crate) fn name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| named("sealgate-", TEXT, ".css"));
    &NAME
}

/// Returns a file name that tells one content from any other.
pub(crate) fn named(before: &str, text: &str, after: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut name = before.to_owned();
    for byte in digest.iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(after);
    name
}
