//! Renders the canonical bytes of an entry: RFC 8785 for this one fixed shape.
//!
//! ```text
//! {"action":T,"after_hash":H,"before_hash":H,"correlation_id":T,"entry_mac":"hex","outcome":T,
//!  "prior_entry_mac":"hex","resource_id":T,"resource_type":T,"schema_version":1,"sequence_number":N,
//!  "user_id":{"display":T,"id":T},"utc_timestamp":"YYYY-MM-DDTHH:MM:SS.mmmZ","workstation_id":T}
//! ```
//! on one line without spaces. `T` is a text of at most 256 bytes in which only `"` and `\` are escaped, since
//! control characters (Unicode Cc) are replaced before; `H` is 64 lower-case hex digits in quotes, or `null`;
//! `N` is an integer from 1. ASCII keys in byte order are in the UTF-16 order that RFC 8785 §3.2.3 asks for.
//! Texts are not normalised: the trail says what was said.

use super::entry::TEXT_LIMIT;
use super::{Draft, Outcome};
use crate::keys::ContentMac;
use crate::time::Timestamp;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt::Write;

/// Renders entries; remembers the last second, which neighbours share.
#[derive(Default)]
pub(super) struct Canonical {
    second: Option<(i64, [u8; SECOND_TEXT])>,
}

/// What the chain adds to a draft.
pub(super) struct Place {
    /// The entry's sequence number.
    pub(super) sequence: u64,
    /// Its time, already clamped.
    pub(super) time: Timestamp,
    /// The MAC before it.
    pub(super) prior: [u8; 32],
}

impl Canonical {
    /// Renders the entry with room for its MAC.
    pub(super) fn render(&mut self, draft: &Draft, place: &Place) -> Unsigned {
        let mut out = Vec::with_capacity(TYPICAL_ENTRY);
        out.extend_from_slice(br#"{"action":"#);
        text(&mut out, &draft.action);
        out.extend_from_slice(br#","after_hash":"#);
        hash(&mut out, draft.after);
        out.extend_from_slice(br#","before_hash":"#);
        hash(&mut out, draft.before);
        out.extend_from_slice(br#","correlation_id":""#);
        // Writing to a byte vector cannot fail, and an id is 36 ASCII characters.
        let _ = write!(Ascii(&mut out), "{}", draft.correlation);
        out.push(b'"');
        let front = out.len();
        out.extend_from_slice(MAC_MEMBER);
        let mac = out.len();
        out.extend_from_slice(&[b'0'; 64]);
        out.push(b'"');
        let back = out.len();
        out.extend_from_slice(br#","outcome":""#);
        out.extend_from_slice(outcome(draft.outcome));
        out.extend_from_slice(br#"","prior_entry_mac":""#);
        out.extend_from_slice(&hex(&place.prior));
        out.extend_from_slice(br#"","resource_id":"#);
        text(&mut out, &draft.resource_id);
        out.extend_from_slice(br#","resource_type":"#);
        text(&mut out, &draft.resource_type);
        out.extend_from_slice(br#","schema_version":1,"sequence_number":"#);
        number(&mut out, place.sequence);
        out.extend_from_slice(br#","user_id":{"display":"#);
        text(&mut out, &draft.user.display);
        out.extend_from_slice(br#","id":"#);
        text(&mut out, &draft.user.id);
        out.extend_from_slice(br#"},"utc_timestamp":""#);
        self.moment(&mut out, place.time);
        out.extend_from_slice(br#"","workstation_id":"#);
        text(&mut out, &draft.workstation);
        out.push(b'}');
        Unsigned { bytes: out, front, mac, back }
    }

    fn moment(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let second = time.0.div_euclid(1_000_000);
        let known = self.second.filter(|(of, _)| *of == second);
        let (_, start) = *self.second.insert(known.unwrap_or_else(|| (second, second_text(time))));
        out.extend_from_slice(&start);
        let millis = time.0.rem_euclid(1_000_000).div_euclid(1_000);
        for unit in [100, 10, 1] {
            out.push(digit(millis.div_euclid(unit).rem_euclid(10)));
        }
        out.push(b'Z');
    }
}

/// An entry whose MAC is not filled in yet.
pub(super) struct Unsigned {
    bytes: Vec<u8>,
    front: usize,
    mac: usize,
    back: usize,
}

impl Unsigned {
    /// Lends what the MAC covers: the bytes before and after the `entry_mac` member.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (self.bytes.get(..self.front).unwrap_or_default(), self.bytes.get(self.back..).unwrap_or_default())
    }

    /// Fills in the MAC and returns the canonical bytes.
    pub(super) fn with_mac(mut self, tag: &[u8; 32]) -> Vec<u8> {
        for (slot, digit) in self.bytes.iter_mut().skip(self.mac).zip(hex(tag)) {
            *slot = digit;
        }
        self.bytes
    }
}

/// Renders 32 bytes as 64 lower-case hex digits.
pub(super) fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            (*high, *low) = (hex_digit(byte >> 4), hex_digit(byte & 0x0f));
        }
    }
    text
}

/// Returns a text as an entry will say it: replaced and cut as [`Draft`] says.
#[must_use]
pub fn as_recorded(value: &str) -> Cow<'_, str> {
    if value.len() <= TEXT_LIMIT && !value.chars().any(char::is_control) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(recorded(value).collect())
}

fn recorded(value: &str) -> impl Iterator<Item = char> {
    let mut length = 0usize;
    value.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).take_while(move |symbol| {
        length = length.saturating_add(symbol.len_utf8());
        length <= TEXT_LIMIT
    })
}

/// Renders a text as a JSON string, replaced and cut as [`Draft`] says.
fn text(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    if value.len() <= TEXT_LIMIT && value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\') {
        out.extend_from_slice(value.as_bytes());
    } else {
        for symbol in recorded(value) {
            if matches!(symbol, '"' | '\\') {
                out.push(b'\\');
            }
            out.extend_from_slice(symbol.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out.push(b'"');
}

fn hash(out: &mut Vec<u8>, value: Option<ContentMac>) {
    match value {
        Some(ContentMac(mac)) => {
            out.push(b'"');
            out.extend_from_slice(&hex(&mac));
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut used) = (value, 0usize);
    for slot in digits.iter_mut().rev() {
        *slot = digit(i64::try_from(rest.rem_euclid(10)).unwrap_or_default());
        rest = rest.div_euclid(10);
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20usize.saturating_sub(used)..).unwrap_or_default());
}

fn second_text(time: Timestamp) -> [u8; SECOND_TEXT] {
    let mut start = [b'0'; SECOND_TEXT];
    for (slot, symbol) in start.iter_mut().zip(time.rfc3339().bytes()) {
        *slot = symbol;
    }
    start
}

const fn outcome(outcome: Outcome) -> &'static [u8] {
    outcome.name().as_bytes()
}

fn digit(value: i64) -> u8 {
    b'0'.saturating_add(u8::try_from(value).unwrap_or_default())
}

const fn hex_digit(nibble: u8) -> u8 {
    // Without a branch or a table: this runs 192 times an entry.
    nibble.wrapping_add(b'0').wrapping_add(if nibble > 9 { 39 } else { 0 })
}

struct Ascii<'a>(&'a mut Vec<u8>);

impl Write for Ascii<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

const MAC_MEMBER: &[u8] = br#","entry_mac":""#;

/// Bytes of `YYYY-MM-DDTHH:MM:SS.`.
const SECOND_TEXT: usize = 20;

/// Bytes reserved for an entry; most are between 520 and 680.
const TYPICAL_ENTRY: usize = 704;
