//! What each command does; one file a command.

pub mod audit;
pub mod check_config;
mod console;
pub mod demo;
pub mod directory;
pub mod find;
pub mod init;
pub mod key;
pub mod message;
pub mod send;
pub mod serve;
pub mod shell;
pub mod status;

pub(crate) use directory::not_changed;
