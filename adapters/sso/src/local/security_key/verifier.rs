//! What is stored of a key: what verifies its answers, and nothing that its maker says of it.

use domain::directory::SecurityKey;
use serde_json::{Value, json};
use webauthn_rs::prelude;

/// Renders what verifies a key's answers. None is asked for, yet some browsers bring an attestation along: it tells make and batch of
/// a person's key, and serves nothing here, so it is left out. `None` where what is left would not be read again.
pub(super) fn render(made: &prelude::SecurityKey) -> Option<String> {
    let mut value = serde_json::to_value(made).ok()?;
    let credential = value.get_mut("cred").and_then(Value::as_object_mut)?;
    credential.insert("attestation".to_owned(), json!({ "data": "None", "metadata": "None" }));
    credential.insert("attestation_format".to_owned(), json!("none"));
    let text = value.to_string();
    serde_json::from_str::<prelude::SecurityKey>(&text).is_ok().then_some(text)
}

/// Reads what is stored of a key; one that cannot be read is not asked for.
pub(super) fn read(key: &SecurityKey) -> Option<prelude::SecurityKey> {
    serde_json::from_str(key.verifier.expose()).ok()
}
