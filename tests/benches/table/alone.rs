//! The ciphers alone: what sealing and chaining could cost at least.

use crate::options::Options;
use crate::table::{Row, Table, per_second};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Measures AES-256-GCM over a message and HMAC-SHA256 over an audit entry, on one core.
pub(crate) fn measure(options: &Options, table: &mut Table) {
    table.heading("raw limits: ciphers alone, one core");
    let time = options.time.min(Duration::from_secs(1));
    let mut message = vec![0x41; 4_096];
    let sealed = repeated(time, || {
        // A key for every message, as the sealed form has it.
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from([7; 32]));
        let tag = cipher.encrypt_inout_detached(&Nonce::default(), &[], message.as_mut_slice().into()).unwrap();
        black_box(tag);
    });
    table.row(Row { what: "AES-256-GCM, 4 KiB".to_owned(), value: per_second(sealed), ..Row::default() });
    let keyed = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    let entry = [0x41; 500];
    let chained = repeated(time, || {
        let mut mac = keyed.clone();
        mac.update(&entry);
        black_box(mac.finalize());
    });
    table.row(Row { what: "HMAC-SHA256, 500 bytes".to_owned(), value: per_second(chained), ..Row::default() });
}

fn repeated(time: Duration, mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut done = 0.0;
    while begun.elapsed() < time {
        (0..1_000).for_each(|_| work());
        done += 1_000.0;
    }
    done / begun.elapsed().as_secs_f64()
}
