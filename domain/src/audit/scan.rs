//! Reads the canonical bytes of an entry, and nothing but them.
//!
//! Written apart from the code that renders entries: key order, literals, escapes and lengths stand here a
//! second time, so that a slip in one of the two shows. A byte more, a byte less, an escape that RFC 8785
//! would not write, a control character, a text beyond 256 bytes: not an entry.

use super::contents::content_mac;
use crate::keys::ContentMac;
use alloc::borrow::Cow;
use alloc::string::String;
use core::str;

/// An entry as it stands in the stored bytes; nothing is copied.
#[derive(Clone, Copy)]
pub struct EntryView<'a> {
    bytes: &'a [u8],
    front: &'a [u8],
    back: &'a [u8],
    action: &'a [u8],
    after: Option<&'a [u8]>,
    before: Option<&'a [u8]>,
    correlation: &'a [u8],
    mac: &'a [u8; 64],
    outcome: &'a [u8],
    prior: &'a [u8; 64],
    resource_id: &'a [u8],
    resource_type: &'a [u8],
    sequence: u64,
    user_display: &'a [u8],
    user_id: &'a [u8],
    time: &'a [u8; 24],
    workstation: &'a [u8],
}

impl<'a> EntryView<'a> {
    /// Reads one entry that must fill `bytes`; `None` when they are not one in canonical form.
    ///
    /// Nothing is authenticated by this: see [`super::Verifier`].
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        Self::read_front(bytes).filter(|(_, rest)| rest.is_empty()).map(|(entry, _)| entry)
    }

    /// Reads the entry at the front of `bytes` and returns what follows it.
    pub(super) fn read_front(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut scan = Scan { rest: bytes };
        scan.literal(br#"{"action":""#)?;
        let action = scan.text()?;
        scan.literal(br#","after_hash":"#)?;
        let after = scan.hash()?;
        scan.literal(br#","before_hash":"#)?;
        let before = scan.hash()?;
        scan.literal(br#","correlation_id":""#)?;
        let correlation = scan.text()?;
        let front = scan.since(bytes)?;
        scan.literal(br#","entry_mac":""#)?;
        let mac = scan.hex()?;
        let unsigned = scan.rest;
        scan.literal(br#","outcome":""#)?;
        let outcome = scan.text()?;
        scan.literal(br#","prior_entry_mac":""#)?;
        let prior = scan.hex()?;
        scan.literal(br#","resource_id":""#)?;
        let resource_id = scan.text()?;
        scan.literal(br#","resource_type":""#)?;
        let resource_type = scan.text()?;
        scan.literal(br#","schema_version":1,"sequence_number":"#)?;
        let sequence = scan.number()?;
        scan.literal(br#","user_id":{"display":""#)?;
        let user_display = scan.text()?;
        scan.literal(br#","id":""#)?;
        let user_id = scan.text()?;
        scan.literal(br#"},"utc_timestamp":""#)?;
        let time = scan.moment()?;
        scan.literal(br#","workstation_id":""#)?;
        let workstation = scan.text()?;
        scan.literal(b"}")?;
        let entry = Self {
            bytes: scan.since(bytes)?,
            front,
            back: scan.since(unsigned)?,
            action,
            after,
            before,
            correlation,
            mac,
            outcome,
            prior,
            resource_id,
            resource_type,
            sequence,
            user_display,
            user_id,
            time,
            workstation,
        };
        Some((entry, scan.rest))
    }

    /// Returns the canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns `sequence_number`.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns `utc_timestamp`, `YYYY-MM-DDTHH:MM:SS.mmmZ`; in this form earlier is less.
    #[must_use]
    pub fn utc_timestamp(&self) -> &'a str {
        ascii(self.time)
    }

    /// Returns `user_id.id`.
    #[must_use]
    pub fn user_id(&self) -> Cow<'a, str> {
        unescaped(self.user_id)
    }

    /// Returns `user_id.display`.
    #[must_use]
    pub fn user_display(&self) -> Cow<'a, str> {
        unescaped(self.user_display)
    }

    /// Returns `workstation_id`.
    #[must_use]
    pub fn workstation_id(&self) -> Cow<'a, str> {
        unescaped(self.workstation)
    }

    /// Returns `action`.
    #[must_use]
    pub fn action(&self) -> Cow<'a, str> {
        unescaped(self.action)
    }

    /// Returns `resource_type`.
    #[must_use]
    pub fn resource_type(&self) -> Cow<'a, str> {
        unescaped(self.resource_type)
    }

    /// Returns `resource_id`.
    #[must_use]
    pub fn resource_id(&self) -> Cow<'a, str> {
        unescaped(self.resource_id)
    }

    /// Returns `outcome`.
    #[must_use]
    pub fn outcome(&self) -> Cow<'a, str> {
        unescaped(self.outcome)
    }

    /// Returns `before_hash`, 64 hex digits.
    #[must_use]
    pub fn before_hash(&self) -> Option<&'a str> {
        self.before.map(ascii)
    }

    /// Returns `after_hash`, 64 hex digits.
    #[must_use]
    pub fn after_hash(&self) -> Option<&'a str> {
        self.after.map(ascii)
    }

    /// Returns `after_hash` as the hash that it is.
    #[must_use]
    pub fn after_mac(&self) -> Option<ContentMac> {
        self.after.and_then(content_mac)
    }

    /// Says whether `after_hash` is that of a sealed context, which must then be beside the entry.
    ///
    /// Only an act that changes a record has a content to hash; with any other, the hash is the context's own. Whether a
    /// change has a context too, its entry does not say.
    #[must_use]
    pub fn vouches_for_context(&self) -> bool {
        self.after.is_some() && !matches!(self.action, b"create" | b"update")
    }

    /// Returns `correlation_id`.
    #[must_use]
    pub fn correlation_id(&self) -> Cow<'a, str> {
        unescaped(self.correlation)
    }

    /// Returns `prior_entry_mac`, 64 hex digits.
    #[must_use]
    pub fn prior_entry_mac(&self) -> &'a str {
        ascii(self.prior)
    }

    /// Returns `entry_mac`, 64 hex digits.
    #[must_use]
    pub fn entry_mac(&self) -> &'a str {
        ascii(self.mac)
    }

    pub(super) fn mac_text(&self) -> &'a [u8; 64] {
        self.mac
    }

    pub(super) fn prior_text(&self) -> &'a [u8; 64] {
        self.prior
    }

    pub(super) fn time_text(&self) -> &'a [u8; 24] {
        self.time
    }

    /// Returns what the MAC covers: the bytes before and after the `entry_mac` member.
    pub(super) fn signed(&self) -> [&'a [u8]; 2] {
        [self.front, self.back]
    }
}

/// Reads a decimal number without leading zeros, at most 2^53 - 1 (RFC 8785 §3.2.2.3), and what follows it.
pub(super) fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let (number, rest) = bytes.split_at_checked(digits)?;
    let leading_zero = number.first() == Some(&b'0') && digits > 1;
    if digits == 0 || digits > 16 || leading_zero {
        return None;
    }
    let value = number
        .iter()
        .fold(0u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0'))));
    (value < 1 << 53).then_some((value, rest))
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// Returns the part of `from`, which must end where the whole ends, that is behind the cursor.
    fn since(&self, from: &'a [u8]) -> Option<&'a [u8]> {
        from.get(..from.len().checked_sub(self.rest.len())?)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads a text behind its opening quote and consumes the closing one.
    fn text(&mut self) -> Option<&'a [u8]> {
        let plain = self.rest.iter().position(|byte| !PLAIN.get(usize::from(*byte)).is_some_and(|plain| *plain))?;
        if self.rest.get(plain) != Some(&b'"') {
            return self.unusual_text(plain);
        }
        let text = self.take(plain)?;
        self.literal(b"\"")?;
        (text.len() <= LONGEST_TEXT).then_some(text)
    }

    /// Reads a text with escapes or characters beyond ASCII; the first `plain` bytes are neither.
    fn unusual_text(&mut self, plain: usize) -> Option<&'a [u8]> {
        let mut end = plain;
        let mut escapes = 0usize;
        loop {
            match self.rest.get(end)? {
                b'"' => break,
                b'\\' => {
                    let next = end.checked_add(1)?;
                    matches!(self.rest.get(next)?, b'"' | b'\\').then_some(())?;
                    escapes = escapes.checked_add(1)?;
                    end = next.checked_add(1)?;
                }
                _ => end = end.checked_add(1)?,
            }
        }
        let text = self.take(end)?;
        self.literal(b"\"")?;
        let clean = !str::from_utf8(text).ok()?.chars().any(char::is_control);
        (clean && end.checked_sub(escapes)? <= LONGEST_TEXT).then_some(text)
    }

    fn hash(&mut self) -> Option<Option<&'a [u8]>> {
        if self.literal(b"null").is_some() {
            return Some(None);
        }
        self.literal(b"\"")?;
        self.hex().map(|hex| Some(hex.as_slice()))
    }

    /// Reads 64 lower-case hex digits and the closing quote.
    fn hex(&mut self) -> Option<&'a [u8; 64]> {
        let (hex, rest) = self.rest.split_first_chunk::<64>()?;
        // One pass without an early end, which the compiler turns into a few wide comparisons.
        let bad = hex.iter().fold(false, |bad, byte| bad | !(byte.is_ascii_digit() | matches!(byte, b'a'..=b'f')));
        self.rest = rest.strip_prefix(b"\"")?;
        (!bad).then_some(hex)
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = read_number(self.rest)?;
        self.rest = rest;
        Some(number)
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS.mmmZ` and the closing quote.
    fn moment(&mut self) -> Option<&'a [u8; 24]> {
        let (moment, rest) = self.rest.split_first_chunk::<24>()?;
        let shaped = moment.iter().zip(b"0000-00-00T00:00:00.000Z").fold(true, |shaped, (byte, shape)| {
            shaped & if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
        });
        self.rest = rest.strip_prefix(b"\"")?;
        shaped.then_some(moment)
    }
}

fn unescaped(text: &[u8]) -> Cow<'_, str> {
    let text = ascii(text);
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut symbols = text.chars();
    while let Some(symbol) = symbols.next() {
        let literal = if symbol == '\\' { symbols.next() } else { Some(symbol) };
        out.extend(literal);
    }
    Cow::Owned(out)
}

/// Views bytes that the scan has found to be UTF-8.
fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// Bytes of a text that need no second look: printable ASCII other than the quote and the backslash.
static PLAIN: [bool; 256] = plain_bytes();

const fn plain_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte = 0u8;
    while let Some((slot, behind)) = rest.split_first_mut() {
        *slot = matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        rest = behind;
        byte = byte.wrapping_add(1);
    }
    table
}

const LONGEST_TEXT: usize = 256;
