//! HL7 v2 results in and acknowledgements out.
pub mod message;
