//! Whether the metadata that somebody brings can be used, asked before it is stored rather than at the first sign-in.

use super::provider::{IdentityProvider, MetadataFault, entity_ids};
use domain::directory::SamlSettings;
use domain::time::Timestamp;
use std::fmt;

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotUsable {
    /// It describes no identity provider.
    Nobody,
    /// It describes several identity providers, these, and none was named.
    Several(Vec<String>),
    /// It describes no single identity provider of the entity id that is wanted, but these.
    Others(String, Vec<String>),
    /// It cannot be used for another reason.
    Fault(MetadataFault),
}

impl fmt::Display for NotUsable {
    /// Entity ids stand in it as the metadata has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotUsable::Nobody => f.write_str("the metadata describes no identity provider"),
            NotUsable::Several(ids) => {
                write!(
                    f,
                    "the metadata describes several identity providers, of which one must be named: {}",
                    ids.join(", ")
                )
            }
            NotUsable::Others(wanted, ids) => {
                let known = ids.join(", ");
                write!(f, "the metadata describes no single identity provider `{wanted}`; it describes: {known}")
            }
            NotUsable::Fault(fault) => write!(f, "the metadata cannot be used: {fault}"),
        }
    }
}

impl std::error::Error for NotUsable {}

/// Returns the entity id of the one identity provider that metadata describes.
///
/// # Errors
/// [`NotUsable`].
pub fn only_entity(metadata: &str) -> Result<String, NotUsable> {
    let mut ids = entity_ids(metadata).map_err(NotUsable::Fault)?;
    match (ids.pop(), ids.is_empty()) {
        (Some(id), true) => Ok(id),
        (None, _) => Err(NotUsable::Nobody),
        (Some(last), false) => {
            ids.push(last);
            Err(NotUsable::Several(ids))
        }
    }
}

/// Says whether the metadata of a connection's settings can be used at this moment.
///
/// # Errors
/// [`NotUsable`].
pub fn usable(settings: &SamlSettings, now: Timestamp) -> Result<(), NotUsable> {
    match IdentityProvider::read(settings, now) {
        Ok(_) => Ok(()),
        Err(MetadataFault::Entity) => {
            let known = entity_ids(&settings.metadata).unwrap_or_default();
            Err(NotUsable::Others(settings.idp_entity_id.clone(), known))
        }
        Err(fault) => Err(NotUsable::Fault(fault)),
    }
}
