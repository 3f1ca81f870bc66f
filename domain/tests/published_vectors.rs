//! Published vectors, run through the crates and features the product is built with.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Tag};
use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The blocks of a vector file: `name = value` lines, parted by empty lines; `#` begins a comment.
fn blocks(file: &'static str) -> Vec<Vec<(&'static str, &'static str)>> {
    let block = |text: &'static str| -> Vec<_> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(" =")).map(|(name, value)| (name, value.trim())).collect()
    };
    file.split("\n\n").map(block).filter(|block| !block.is_empty()).collect()
}

fn value(block: &[(&str, &str)], name: &str) -> Vec<u8> {
    hex(block.iter().find(|(key, _)| *key == name).unwrap().1)
}

/// NIST CAVP, gcmEncryptExtIV256.rsp; and test cases 13 to 16 of McGrew and Viega.
#[test]
fn aes_256_gcm_agrees_with_nist() {
    let blocks = blocks(include_str!("vectors/nist-gcm.txt"));
    assert!(blocks.len() >= 10);
    for block in blocks {
        let key: [u8; 32] = value(&block, "Key").try_into().unwrap();
        let nonce: [u8; 12] = value(&block, "IV").try_into().unwrap();
        let (plain, aad) = (value(&block, "PT"), value(&block, "AAD"));
        let tag: [u8; 16] = value(&block, "Tag").try_into().unwrap();
        let cipher = Aes256Gcm::new(&key.into());
        let mut text = plain.clone();
        let made = cipher.encrypt_inout_detached(&nonce.into(), &aad, InOutBuf::from(text.as_mut_slice())).unwrap();
        assert_eq!((text.as_slice(), made), (value(&block, "CT").as_slice(), Tag::from(tag)));
        cipher.decrypt_inout_detached(&nonce.into(), &aad, InOutBuf::from(text.as_mut_slice()), &tag.into()).unwrap();
        assert_eq!(text, plain);
        let wrong = Tag::from(tag.map(|byte| byte ^ 1));
        assert!(
            cipher.decrypt_inout_detached(&nonce.into(), &aad, InOutBuf::from(text.as_mut_slice()), &wrong).is_err()
        );
    }
}

#[test]
fn hmac_sha256_agrees_with_rfc_4231() {
    for block in blocks(include_str!("vectors/rfc4231.txt")) {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&value(&block, "Key")).unwrap();
        mac.update(&value(&block, "Data"));
        let made: [u8; 32] = mac.finalize().into_bytes().into();
        let expected = value(&block, "HMAC");
        assert_eq!(made.get(..expected.len()).unwrap(), expected);
    }
}

#[test]
fn hkdf_sha256_agrees_with_rfc_5869() {
    for block in blocks(include_str!("vectors/rfc5869.txt")) {
        let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(&value(&block, "salt")), &value(&block, "IKM"));
        assert_eq!(prk.as_slice(), value(&block, "PRK"));
        let mut okm = vec![0; value(&block, "OKM").len()];
        hkdf.expand(&value(&block, "info"), &mut okm).unwrap();
        assert_eq!(okm, value(&block, "OKM"));
    }
}

/// RFC 9106 §5.3.
#[test]
fn argon2id_agrees_with_rfc_9106() {
    let mut params = ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).output_len(32).data(AssociatedData::new(&[4; 12]).unwrap());
    let params = params.build().unwrap();
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(tag.to_vec(), hex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"));
}

/// FIPS 180-4, the examples of NIST.
#[test]
fn sha256_agrees_with_nist() {
    let hash = |text: &[u8]| -> [u8; 32] { Sha256::digest(text).into() };
    assert_eq!(hash(b"abc").to_vec(), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_eq!(hash(b"").to_vec(), hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}
