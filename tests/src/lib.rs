//! What the tests from outside share: synthetic messages, a bare MLLP sender, a gateway under test.

pub mod gateway;
pub mod message;
pub mod mllp;
