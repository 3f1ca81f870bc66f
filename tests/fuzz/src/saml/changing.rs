//! Changes that an attacker makes to a signed document: whole elements that are copied, moved, wrapped and renamed. Bytes that are
//! changed one by one seldom leave a document that the gate looks at twice.

use std::ops::Range;

/// Changes a document in place and returns its new length; one that cannot be changed so is left to changes of bytes.
pub fn change(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let by_elements = random.below(2) == 0;
    let made = data.get(..size).filter(|_| by_elements).and_then(|document| elements(document, &mut random));
    match made.filter(|made| made.len() <= most.min(data.len())) {
        Some(made) => {
            data[..made.len()].copy_from_slice(&made);
            made.len()
        }
        None => libfuzzer_sys::fuzzer_mutate(data, size, most),
    }
}

fn elements(document: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let elements = ranges(document);
    let pick = |random: &mut Random| elements.get(random.below(elements.len())).cloned();
    let (one, other) = (pick(random)?, pick(random)?);
    let piece = document[one.clone()].to_vec();
    let piece = if random.below(3) == 0 { renamed(&piece, random) } else { piece };
    // Before an element, behind it, and at the beginning or end of what is in it.
    let inner = document[other.clone()].iter().position(|byte| *byte == b'>').map_or(other.start, |at| other.start + at + 1);
    let end = document[other.clone()].windows(2).rposition(|pair| pair == b"</").map_or(other.end, |at| other.start + at);
    let place = [other.start, other.end, inner, end][random.below(4)];
    Some(match random.below(6) {
        // Copied.
        0 | 1 => spliced(document, place..place, &piece),
        // Moved.
        2 if place >= one.end => spliced(&spliced(document, place..place, &piece), one, &[]),
        2 if place <= one.start => spliced(&spliced(document, one, &[]), place..place, &piece),
        // In place of another.
        3 => spliced(document, other, &piece),
        // Around another.
        4 if document[one.clone()].ends_with(b"</saml:Assertion>") || random.below(2) == 0 => {
            let inner = piece.iter().position(|byte| *byte == b'>').map_or(0, |at| at + 1);
            spliced(document, other.clone(), &spliced(&piece, inner..inner, &document[other]))
        }
        // Gone, or said by somebody else.
        5 => spliced(document, one, &[]),
        _ => {
            let piece = renamed(&piece, random);
            spliced(document, one, &piece)
        }
    })
}

/// Says something else in a piece: another person, another identifier, a namespace, a piece of markup.
fn renamed(piece: &[u8], random: &mut Random) -> Vec<u8> {
    const WORDS: [(&[u8], &[u8]); 14] = [
        (b"alice", b"mallory"),
        (b"_assertion", b"_response"),
        (b"_response", b"_assertion"),
        (b"\"_assertion\"", b"\"_evil\""),
        (b"\"#_assertion\"", b"\"\""),
        (b" ID=", b" Id="),
        (b" ID=", b" xml:id="),
        (b"saml:", b"s:"),
        (b"xmlns:saml=", b"xmlns:s="),
        (b"alice", b"ali&#99;e"),
        (b"alice", b"<!-- -->alice"),
        (b"alice", b" alice&#10;"),
        (b"Assertion", b"EncryptedAssertion"),
        (b"providers", b"admins"),
    ];
    let (word, with) = WORDS[random.below(WORDS.len())];
    match piece.windows(word.len()).position(|found| found == word) {
        Some(at) => spliced(piece, at..at + word.len(), with),
        None => piece.to_vec(),
    }
}

fn spliced(bytes: &[u8], place: Range<usize>, piece: &[u8]) -> Vec<u8> {
    [&bytes[..place.start], piece, &bytes[place.end..]].concat()
}

/// Returns where elements are, as far as tags tell.
fn ranges(document: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut open, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(start) = document[at..].iter().position(|byte| *byte == b'<').map(|start| at + start) {
        let Some(length) = document[start..].iter().position(|byte| *byte == b'>') else { break };
        let end = start + length + 1;
        match (document[start + 1], document[end - 2]) {
            (b'/', _) => found.extend(open.pop().map(|start| start..end)),
            (b'?' | b'!', _) => {}
            (_, b'/') => found.push(start..end),
            _ => open.push(start),
        }
        at = end;
    }
    found
}

/// Numbers that the seed decides (xorshift64*).
struct Random(u64);

impl Random {
    /// Returns a number below `most`; 0 when there is none.
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap_or_default().checked_rem(most).unwrap_or_default()
    }
}
