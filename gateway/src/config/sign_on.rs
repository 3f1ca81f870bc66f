//! The part of the configuration about people and applications that sign in.

use domain::directory::AddressRange;
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
    /// Ranges of private addresses, such as "10.20.0.0/16", in which providers of connections may be that were made or changed by API.
    pub api_private_ranges: Vec<String>,
    /// Passwords that are known to others: one a line, or its SHA-1 in hexadecimal.
    pub breached_passwords_file: Option<PathBuf>,
    /// Where it is told at once that somebody broke the glass, or that there may be a copy of a security key; https, or http to this
    /// machine. Absent: it is logged only.
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
    /// Returns the ranges of private addresses that connections made by API may lead to.
    ///
    /// # Errors
    /// What is wrong, in a sentence, for a text that is no range.
    pub fn private_ranges(&self) -> Result<Vec<AddressRange>, &'static str> {
        let read = self.api_private_ranges.iter().map(|range| range.parse::<AddressRange>());
        read.collect::<Result<_, _>>().map_err(|_| NOT_RANGES)
    }

    /// Returns every path, to be placed.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let keys = self.saml.iter_mut().flat_map(|saml| saml.signing.iter_mut().chain(saml.encryption.iter_mut()));
        let keys = keys.flat_map(|pair| [&mut pair.certificate_file, &mut pair.key_file]);
        let own =
            [&mut self.authorities_file, &mut self.breached_passwords_file, &mut self.break_glass_webhook_key_file];
        own.into_iter().flatten().chain(keys)
    }
}

/// What is wrong with ranges that cannot be read.
const NOT_RANGES: &str = "`api_private_ranges` is a list of ranges of addresses, such as \"10.20.0.0/16\", with no bits set below the prefix";
