//! The gate before SAML responses: no bytes make it panic or work long, and what it passes says the same to another reader of XML.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(init: fuzz::seed(fuzz::saml::made()), |input: &[u8]| fuzz::saml::passes(input));

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| { fuzz::saml::change(data, size, most, seed) });
