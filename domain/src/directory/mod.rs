//! The directory: tenants, clinics, interfaces, readers, and the ways people sign in; as values and as a snapshot to
//! look things up in.
//!
//! Each entry is the JSON content of a sealed record in the system tenant, changed by [`crate::administration`] only.
//! A running gateway holds a [`Directory`] in memory and replaces it as a whole.
//!
//! People who come by an identity provider need not be entered: what they may be is decided by the rules of their
//! [`Connection`] each time they sign in. A provider may tell of them ahead (SCIM), and then take them back.

mod account;
mod application;
mod client;
mod client_key;
mod connection;
mod entry;
mod hidden;
mod interface;
mod network;
mod oidc;
mod provisioned;
mod provisioning;
mod saml;
mod security_key;
mod settings;
mod snapshot;
mod text;
mod url;

pub use account::{Account, LOCAL_ISSUER, MAX_RECOVERY_CODES};
pub use application::{Application, ApplicationSecret, ApplicationUse, MAX_JWKS_BYTES, MAX_REDIRECT_URIS};
pub use client::{ApiClient, BearerToken};
pub use client_key::{AssertionAudience, ClientAlgorithm, ClientKey, MAX_CLIENT_KEYS};
pub use connection::{Connection, MAX_RULES, Protocol};
pub use entry::{Clinic, Entry, Heading, Invalid, Tenant};
pub use hidden::Hidden;
pub use interface::{Interface, MappingFailureAs, UnavailableAs};
pub use network::{AddressRange, NotARange};
pub use oidc::{MAX_EGRESS, OidcSettings, SIGNATURE_ALGORITHMS};
pub use provisioned::{
    Email, Former, Handle, MAX_EARLIER_NAMES, MAX_EMAILS, MAX_MEMBERS, PersonName, Provisioned, ProvisionedGroup,
    ProvisionedPerson,
};
pub use provisioning::{
    MAX_PROVISIONING_TOKENS, ProvisionedGroups, ProvisionedSubject, Provisioning, ProvisioningToken,
};
pub use saml::{MAX_ENTITY_ID_BYTES, MAX_METADATA_BYTES, SamlSettings};
pub use security_key::{MAX_SECURITY_KEYS, MAX_VERIFIER_BYTES, SecurityKey};
pub use settings::{
    ABSOLUTE_SECONDS, CONCURRENT, IDLE_SECONDS, MAX_ADDRESSES, REVIEW_HOURS, SecondFactor, TenantSettings,
};
pub use snapshot::{
    Bounded, Directory, InterfaceRefusal, Level, MAX_PROVISIONED_GROUPS, MAX_PROVISIONED_PEOPLE, subject_for_client,
    subject_for_interface,
};
pub(crate) use text::reach;
pub use text::{MAX_CLINICS, MAX_NAME_BYTES, MAX_PEERS, MAX_VALUE_BYTES, MAX_VALUES};
