//! The one script, compiled in and named by its content as the stylesheet is. Only pages on which a security key may be used load it,
//! and they may load nothing but this very file.

use crate::stylesheet::named;
use std::sync::LazyLock;

/// Its text.
pub(crate) const TEXT: &str = include_str!("../assets/sealgate-keys.js");

/// Its file name: `sealgate-keys-`, 16 hexadecimal digits of its SHA-256, `.js`.
pub(crate) fn name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| named("sealgate-keys-", TEXT, ".js"));
    &NAME
}

/// Its address, as a source of the content policy (CSP Level 3 §2.3.1): this file and none beside it.
pub(crate) fn source(origin: &str) -> String {
    format!("{origin}/assets/{}", name())
}
