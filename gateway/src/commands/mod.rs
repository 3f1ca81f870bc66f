//! What each command does; one file a command.

pub mod application;
pub mod audit;
pub mod check_config;
pub mod connection;
mod console;
pub mod demo;
pub mod directory;
mod files;
pub mod find;
pub mod init;
pub mod key;
pub mod message;
mod origin;
pub mod review;
pub mod saml_verify;
pub mod send;
pub mod serve;
pub mod session;
pub mod settings;
pub mod shell;
pub mod sso;
pub mod status;
pub mod user;

pub(crate) use directory::not_changed;
