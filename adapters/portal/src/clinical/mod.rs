//! What stored FHIR resources say, in words for people; pure.
//!
//! The text is read where it lies ([`r4::scan`]): a value is shown with the digits it came with, `9.80` as `9.80`. What
//! is there and cannot be shown is said to be there: nothing disappears silently.

mod document;
mod patient;
mod people;
mod read;
mod report;
mod result;
mod specimen;
pub(crate) mod words;

pub(crate) use document::{Document, Download};
pub(crate) use patient::Patient;
pub(crate) use people::name_of;
pub(crate) use read::references;
pub(crate) use report::{Heading, Report};
