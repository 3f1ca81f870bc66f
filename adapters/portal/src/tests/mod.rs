//! The pages as a browser meets them, over doubles of the ports.

mod clinical;
mod federation;
mod forms;
mod glass;
mod headers;
mod house;
mod local;
mod sessions;
