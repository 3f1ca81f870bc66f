//! The part of the configuration about people and applications that sign in.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Sign-in, pages and tokens, beside FHIR on the same address. Who may sign in is in the directory, not here.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignOn {
    /// Whether any of it is served.
    pub enabled: bool,
    /// Certificates of the authorities, beside the public ones, that identity providers' certificates come from; PEM.
    pub authorities_file: Option<PathBuf>,
    /// Passwords that are known to others: one a line, or its SHA-1 in hexadecimal.
    pub breached_passwords_file: Option<PathBuf>,
    /// Where it is told at once that somebody broke the glass; https, or http to this machine. Absent: it is logged only.
    pub break_glass_webhook: Option<String>,
    /// The key that signs what is told there: a file of at least 32 bytes, readable by its owner alone.
    pub break_glass_webhook_key_file: Option<PathBuf>,
    /// Our keys towards SAML identity providers; absent: no SAML.
    pub saml: Option<Saml>,
}

/// Our keys towards SAML identity providers. `sealgate sso keys` makes a pair.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saml {
    /// Signs requests.
    pub signing: Vec<KeyFiles>,
    /// Opens encrypted assertions.
    pub encryption: Vec<KeyFiles>,
}

/// A pair of PEM files. The first pair of a list is used; all are published, so that a key can be changed in steps.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFiles {
    /// The certificate.
    pub certificate_file: PathBuf,
    /// The private key; readable by its owner alone.
    pub key_file: PathBuf,
}

impl SignOn {
    /// Returns every path, to be placed.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let keys = self.saml.iter_mut().flat_map(|saml| saml.signing.iter_mut().chain(saml.encryption.iter_mut()));
        let keys = keys.flat_map(|pair| [&mut pair.certificate_file, &mut pair.key_file]);
        let own =
            [&mut self.authorities_file, &mut self.breached_passwords_file, &mut self.break_glass_webhook_key_file];
        own.into_iter().flatten().chain(keys)
    }
}
