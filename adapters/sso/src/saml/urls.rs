//! The addresses of one connection on our listener.

use domain::directory::SamlSettings;
use domain::id::RecordId;

/// The addresses of one connection, as identity providers and browsers know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// Where our metadata is.
    pub metadata: String,
    /// Where responses are posted: the assertion consumer service.
    pub acs: String,
    /// Where logout messages are sent.
    pub slo: String,
}

impl Urls {
    /// Returns the addresses of a connection at our public origin, such as `https://results.hospital.example`.
    #[must_use]
    pub fn at(origin: &str, connection: RecordId) -> Self {
        let base = format!("{}/auth/saml/{connection}", origin.trim_end_matches('/'));
        Self { metadata: format!("{base}/metadata"), acs: format!("{base}/acs"), slo: format!("{base}/slo") }
    }

    /// Returns our entity id: the one that the connection names, else the address of our metadata.
    #[must_use]
    pub fn entity_id<'a>(&'a self, settings: &'a SamlSettings) -> &'a str {
        settings.sp_entity_id.as_deref().unwrap_or(&self.metadata)
    }
}
