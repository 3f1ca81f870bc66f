//! OBX as Observation: rows with the same code and sub-id are one.

mod extensions;
mod logical;
mod status;
mod write;

pub(super) use logical::{Logical, logicals};
pub(super) use write::{Surroundings, Written, write};
