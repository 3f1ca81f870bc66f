//! The pages as a browser meets them, over doubles of the ports.

mod addresses;
mod clinical;
mod credentials;
mod federation;
mod floods;
mod forms;
mod glass;
mod headers;
mod house;
mod launching;
mod local;
mod refused;
mod reviews;
mod security_keys;
mod sessions;
