//! SAML responses: where a signature of the identity provider verifies over what the gate passes, what is verified says exactly what the
//! gate read, and what the provider signed: the same person, for the same audience, at the same time.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(init: { fuzz::saml::prove(); fuzz::seed(fuzz::saml::made()) }, |input: &[u8]| fuzz::saml::agrees(input));

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| { fuzz::saml::change(data, size, most, seed) });
