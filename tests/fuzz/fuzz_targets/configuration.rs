//! The configuration file: whatever is in it, it is read, or refused in one sentence with a line that exists.
#![no_main]

#[path = "../../../gateway/src/config/mod.rs"]
mod config;

use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join("sealgate-fuzz.toml"));

fuzz_target!(|input: &[u8]| {
    fs::write(&*FILE, input).expect("a file");
    match config::read(&FILE) {
        Ok(config) => {
            // What `check-config` prints is what was read.
            let printed = toml::to_string(&config).expect("a configuration can be printed");
            fs::write(&*FILE, &printed).expect("a file");
            let again = config::read(&FILE).unwrap_or_else(|fault| panic!("what is printed is not read: {fault}"));
            assert_eq!(toml::to_string(&again).as_deref(), Ok(printed.as_str()));
        }
        Err(fault) => {
            let lines = input.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!(fault.line.is_none_or(|line| (1..=lines).contains(&line)), "the line does not exist");
            assert!(!fault.to_string().contains('\n'), "more than one line is said");
        }
    }
});
