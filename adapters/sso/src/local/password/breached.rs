//! The list of passwords that became known in breaches.
//!
//! Two forms are read, told apart by the first line:
//!
//! - SHA-1 in 40 hexadecimal digits, with or without `:count` after it (as Have I Been Pwned gives it out). Up to
//!   [`MAX_LOADED_BYTES`] it may be in any order; above, it must be ordered by hash, and is searched on disk.
//! - Plain passwords, one a line, up to [`MAX_LOADED_BYTES`].
//!
//! What is loaded is kept as the first 64 bits of each SHA-1, sorted: 8 bytes a password, and one honest password in
//! 10^12 refused for nothing.

use sha1::{Digest, Sha1};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Most bytes of a file that is loaded: 64 MiB.
pub const MAX_LOADED_BYTES: u64 = 64 * 1024 * 1024;

/// Most passwords that are loaded: four million, 32 MiB.
pub const MAX_LOADED: usize = 4_000_000;

/// A list of passwords that nobody may set.
pub struct Breached(Source);

/// Why a list is not used.
#[derive(Debug, thiserror::Error)]
pub enum BreachedFault {
    /// The file cannot be read.
    #[error("the list of breached passwords cannot be read")]
    Read(#[from] io::Error),
    /// A line is not 40 hexadecimal digits, while the first one is.
    #[error("line {0} of the list of breached passwords is no SHA-1")]
    Line(u64),
    /// The file is too large to be loaded and is not ordered by hash, or holds plain passwords.
    #[error("a list of breached passwords above 64 MiB or 4000000 lines must hold SHA-1 hashes, ordered by hash")]
    TooLarge,
}

enum Source {
    /// The first eight bytes of each hash, sorted.
    Loaded(Vec<u64>),
    /// A file of lines ordered by hash, and its length.
    Ordered(Mutex<File>, u64),
}

impl Breached {
    /// Opens a list; a small one is read as a whole. Blocks.
    ///
    /// # Errors
    /// [`BreachedFault`].
    pub fn open(path: &Path) -> Result<Self, BreachedFault> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let hashed = hash_at(&mut file, 0).ok().flatten().is_some();
        if length <= MAX_LOADED_BYTES {
            file.seek(SeekFrom::Start(0))?;
            return load(BufReader::new(file), hashed).map(|hashes| Self(Source::Loaded(hashes)));
        }
        if !hashed || !is_ordered(&mut file, length)? {
            return Err(BreachedFault::TooLarge);
        }
        Ok(Self(Source::Ordered(Mutex::new(file), length)))
    }

    /// Says whether a password is in the list as it is or in lower case. Blocks for a few reads of the disk.
    ///
    /// # Errors
    /// The file does not answer, or is not what it was.
    pub fn contains(&self, password: &str) -> io::Result<bool> {
        let lower = Zeroizing::new(password.to_lowercase());
        Ok(self.has(&hash(password.as_bytes()))? || self.has(&hash(lower.as_bytes()))?)
    }

    fn has(&self, hash: &[u8; 20]) -> io::Result<bool> {
        match &self.0 {
            Source::Loaded(hashes) => Ok(hashes.binary_search(&prefix(hash)).is_ok()),
            Source::Ordered(file, length) => {
                search(&mut file.lock().unwrap_or_else(PoisonError::into_inner), *length, hash)
            }
        }
    }
}

fn load(mut lines: impl BufRead, hashed: bool) -> Result<Vec<u64>, BreachedFault> {
    let mut hashes = Vec::new();
    let mut line = Zeroizing::new(Vec::new());
    let mut number = 0_u64;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number = number.saturating_add(1);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        let hash = if hashed { digits(text).ok_or(BreachedFault::Line(number))? } else { hash_of_line(text) };
        if hashes.len() == MAX_LOADED {
            return Err(BreachedFault::TooLarge);
        }
        hashes.push(prefix(&hash));
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes.shrink_to_fit();
    Ok(hashes)
}

/// Hashes a line in the spelling in which passwords are compared; what is no UTF-8 is hashed as it is.
fn hash_of_line(line: &[u8]) -> [u8; 20] {
    match core::str::from_utf8(line) {
        Ok(text) if !text.is_ascii() => hash(Zeroizing::new(text.nfc().collect::<String>()).as_bytes()),
        _ => hash(line),
    }
}

/// Looks at lines all over the file: is each one's hash above the one's before?
fn is_ordered(file: &mut File, length: u64) -> io::Result<bool> {
    let mut last = None;
    for sample in 0..ORDER_SAMPLES {
        let at = length.div_euclid(ORDER_SAMPLES).saturating_mul(sample);
        let Some((_, hash, _)) = hash_from(file, at)? else { continue };
        if last > Some(hash) {
            return Ok(false);
        }
        last = Some(hash);
    }
    Ok(true)
}

/// Searches lines ordered by hash: halves the range in which the wanted line begins.
fn search(file: &mut File, length: u64, wanted: &[u8; 20]) -> io::Result<bool> {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low).div_euclid(2));
        match hash_from(file, middle)? {
            Some((start, hash, next)) if start < high => match hash.cmp(wanted) {
                core::cmp::Ordering::Equal => return Ok(true),
                core::cmp::Ordering::Less => low = next,
                core::cmp::Ordering::Greater => high = middle,
            },
            _ => high = middle,
        }
    }
    Ok(false)
}

/// Returns where the first line that begins at this place or later begins, its hash, and where the line after it begins.
fn hash_from(file: &mut File, at: u64) -> io::Result<Option<(u64, [u8; 20], u64)>> {
    let start = match at.checked_sub(1) {
        None => 0,
        Some(before) => match line_end(file, before)? {
            Some(end) => end,
            None => return Ok(None),
        },
    };
    let Some(hash) = hash_at(file, start)? else { return Ok(None) };
    let next = line_end(file, start)?.unwrap_or(u64::MAX);
    Ok(Some((start, hash, next)))
}

/// Returns the place after the next line feed; `None` at the end of the file.
fn line_end(file: &mut File, from: u64) -> io::Result<Option<u64>> {
    let bytes = read_at(file, from)?;
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => Ok(u64::try_from(at).ok().and_then(|at| from.checked_add(at)?.checked_add(1))),
        None if bytes.len() < LINE_BYTES => Ok(None),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Returns the hash of the line that begins here; `None` at the end of the file.
fn hash_at(file: &mut File, start: u64) -> io::Result<Option<[u8; 20]>> {
    let bytes = read_at(file, start)?;
    let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    if line.is_empty() {
        return Ok(None);
    }
    digits(line).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read_at(file: &mut File, at: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::with_capacity(LINE_BYTES);
    file.take(u64::try_from(LINE_BYTES).unwrap_or_default()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads `40 hexadecimal digits [":" digits]`.
fn digits(line: &[u8]) -> Option<[u8; 20]> {
    let (hash, rest) = line.split_first_chunk::<40>()?;
    let is_count = |rest: &[u8]| {
        rest.split_first().is_some_and(|(colon, count)| *colon == b':' && count.iter().all(u8::is_ascii_digit))
    };
    if !rest.is_empty() && !is_count(rest) {
        return None;
    }
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(hash.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |digit: &u8| char::from(*digit).to_digit(16);
        *byte = u8::try_from(digit(high)?.wrapping_shl(4) | digit(low)?).ok()?;
    }
    Some(bytes)
}

fn hash(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

fn prefix(hash: &[u8; 20]) -> u64 {
    hash.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Most bytes of a line that is searched on disk.
const LINE_BYTES: usize = 128;
/// How many lines are compared to see whether a file is ordered.
const ORDER_SAMPLES: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(content in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'A'), any::<u8>()], 0..300)) {
            if let Ok(breached) = Breached::open(list(&content).path()) {
                let _ = breached.contains("password").unwrap();
            }
            let mut file = list(&content).reopen().unwrap();
            let length = file.metadata().unwrap().len();
            let _ = is_ordered(&mut file, length);
            let _ = search(&mut file, length, &hash(b"password"));
        }

        #[test]
        fn the_disk_answers_as_memory_does(known in prop::collection::btree_set("[a-z]{1,3}", 0..60), asked in "[a-z]{1,3}") {
            let mut lines: Vec<String> = known.iter().map(|password| format!("{}:7\n", hex(password))).collect();
            lines.sort();
            let file = list(lines.concat().as_bytes());
            let open = file.reopen().unwrap();
            let length = open.metadata().unwrap().len();
            let on_disk = Breached(Source::Ordered(Mutex::new(open), length));
            let in_memory = Breached::open(file.path()).unwrap();
            prop_assert_eq!(on_disk.contains(&asked).unwrap(), known.contains(&asked));
            prop_assert_eq!(in_memory.contains(&asked).unwrap(), known.contains(&asked));
        }
    }

    fn list(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn hex(password: &str) -> String {
        hash(password.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect()
    }

    #[test]
    fn plain_passwords_are_found_in_any_case_and_spelling() {
        let file = list("letmein12345\r\ncorrecthorsebattery\n\npa\u{308}sswort-lang".as_bytes());
        let breached = Breached::open(file.path()).unwrap();
        for known in ["letmein12345", "LetMeIn12345", "correcthorsebattery", "p\u{e4}sswort-lang"] {
            assert!(breached.contains(known).unwrap(), "{known}");
        }
        assert!(!breached.contains("letmein123456").unwrap());
        assert!(!breached.contains("").unwrap());
    }

    #[test]
    fn hashes_are_read_with_and_without_counts_in_any_order() {
        let content =
            format!("{}:42\n{}\r\n{}:1", hex("zebra-zebra-zebra"), hex("password1234").to_lowercase(), hex("abc"));
        let breached = Breached::open(list(content.as_bytes()).path()).unwrap();
        for known in ["zebra-zebra-zebra", "password1234", "Password1234", "abc"] {
            assert!(breached.contains(known).unwrap(), "{known}");
        }
        assert!(!breached.contains("password12345").unwrap());
    }

    #[test]
    fn a_list_of_hashes_with_a_line_that_is_none_is_refused() {
        let file = list(format!("{}\nletmein\n", hex("abc")).as_bytes());
        assert!(matches!(Breached::open(file.path()), Err(BreachedFault::Line(2))));
        assert!(matches!(Breached::open(Path::new("/nowhere/at/all")), Err(BreachedFault::Read(_))));
    }

    #[test]
    fn an_ordered_file_is_searched_on_disk() {
        for end in ["\n", "\r\n"] {
            let passwords: Vec<String> = (0..500).map(|number| format!("password number {number}")).collect();
            let mut lines: Vec<String> =
                passwords.iter().enumerate().map(|(at, text)| format!("{}:{}", hex(text), at * at)).collect();
            lines.sort();
            let file = list(lines.join(end).as_bytes());
            let mut open = File::open(file.path()).unwrap();
            let length = open.metadata().unwrap().len();
            assert!(is_ordered(&mut open, length).unwrap());
            let breached = Breached(Source::Ordered(Mutex::new(open), length));
            for password in &passwords {
                assert!(breached.contains(password).unwrap(), "{password}");
            }
            for number in 500..1000 {
                assert!(!breached.contains(&format!("password number {number}")).unwrap());
            }
        }
    }

    #[test]
    fn a_file_out_of_order_is_noticed() {
        let mut lines: Vec<String> = (0..500).map(|number| hex(&number.to_string())).collect();
        lines.sort();
        lines.reverse();
        let file = list(lines.join("\n").as_bytes());
        let mut open = File::open(file.path()).unwrap();
        let length = open.metadata().unwrap().len();
        assert!(!is_ordered(&mut open, length).unwrap());
    }
}
