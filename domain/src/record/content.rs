//! The plaintext of a record: its resources, packed so that one can be read without the others.
//!
//! ```text
//!   "C1" | as_of i64 | count u16 | entry * count | frame_count u8 | frame * frame_count | frame bytes      big-endian
//!
//!   entry        kind u8 | id 16 | version u32 | last_updated i64 | frame u8 | offset u32 | length u32     38 bytes
//!   frame        raw_length u32 | stored_length u32
//! ```
//!
//! A frame is the bytes of its members, one after the other, compressed with zstd at level 1, or as
//! they are where that is not shorter (then both lengths are equal). Frame 0 holds the head and what
//! is small, frame 1 the observations: reading a report does not unpack its results.

use super::compression::compress;
use super::sealed::MAX_PLAINTEXT;
use super::{IntegrityFailure, SealFault};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::time::Timestamp;
use crate::write::Version;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

/// What is in a record: one or more resources (or a message and its trace), the head first.
pub struct Content<'a> {
    /// When the sender says this was true.
    pub as_of: Timestamp,
    /// The members, the head first; at most 65,535.
    pub members: Vec<Member<'a>>,
}

/// One member of a record.
pub struct Member<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: RecordId,
    /// Its own version, which is not the record's.
    pub version: Version,
    /// When this version of it was stored.
    pub last_updated: Timestamp,
    /// Its bytes, exactly as they came.
    pub bytes: Cow<'a, [u8]>,
}

/// What the directory says about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberHeading {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: RecordId,
    /// Its own version.
    pub version: Version,
    /// When this version of it was stored.
    pub last_updated: Timestamp,
}

impl Content<'_> {
    /// Packs the content.
    ///
    /// # Errors
    /// [`SealFault::TooLarge`] above 65,535 members or 64 MiB.
    pub fn encode(&self) -> Result<Vec<u8>, SealFault> {
        let total = self.members.iter().try_fold(0usize, |sum, member| sum.checked_add(member.bytes.len()));
        let total = total.filter(|total| *total <= MAX_PLAINTEXT).ok_or(SealFault::TooLarge)?;
        let count = u16::try_from(self.members.len()).map_err(|_| SealFault::TooLarge)?;

        let of_results = |member: &&Member<'_>| member.kind == Kind::Observation;
        let results: usize = self.members.iter().filter(of_results).map(|member| member.bytes.len()).sum();
        let mut frames: [Vec<u8>; FRAMES] =
            [Vec::with_capacity(total.saturating_sub(results)), Vec::with_capacity(results)];
        let mut plain =
            Vec::with_capacity(total.saturating_add(self.members.len().saturating_mul(ENTRY)).saturating_add(64));
        plain.extend_from_slice(MAGIC);
        plain.extend_from_slice(&self.as_of.0.to_be_bytes());
        plain.extend_from_slice(&count.to_be_bytes());
        for member in &self.members {
            let [small, results] = &mut frames;
            let (number, frame) = if member.kind == Kind::Observation { (1, results) } else { (0, small) };
            plain.push(member.kind.code());
            plain.extend_from_slice(member.id.as_bytes());
            plain.extend_from_slice(&member.version.to_be_bytes());
            plain.extend_from_slice(&member.last_updated.0.to_be_bytes());
            plain.push(number);
            plain.extend_from_slice(&length(frame.len())?);
            plain.extend_from_slice(&length(member.bytes.len())?);
            frame.extend_from_slice(&member.bytes);
        }
        plain.push(u8::try_from(FRAMES).unwrap_or_default());
        let lengths = plain.len();
        plain.resize(lengths.saturating_add(FRAMES.saturating_mul(8)), 0);
        for (number, frame) in frames.iter().enumerate() {
            let stored = pack(frame, &mut plain);
            let at = lengths.saturating_add(number.saturating_mul(8));
            let place = plain.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<8>()).ok_or(SealFault::TooLarge)?;
            let [raw, stored] = [length(frame.len())?, length(stored)?];
            let (first, second) = place.split_at_mut(4);
            first.copy_from_slice(&raw);
            second.copy_from_slice(&stored);
        }
        Ok(plain)
    }
}

/// The directory of a packed content.
pub(super) struct Directory {
    pub(super) as_of: Timestamp,
    pub(super) members: Vec<Place>,
    pub(super) frames: Vec<FramePlace>,
}

/// Where a member lies in its frame.
pub(super) struct Place {
    pub(super) heading: MemberHeading,
    pub(super) frame: usize,
    pub(super) bytes: Range<usize>,
}

/// Where a frame lies in the plaintext.
pub(super) struct FramePlace {
    pub(super) raw_length: usize,
    pub(super) stored: Range<usize>,
}

impl Directory {
    /// Reads the directory; checks every length before anything is allocated by it.
    pub(super) fn read(plain: &[u8]) -> Result<Self, IntegrityFailure> {
        read(plain).ok_or(IntegrityFailure)
    }
}

/// Appends a frame, compressed where that is shorter; returns how many bytes were appended.
fn pack(frame: &[u8], plain: &mut Vec<u8>) -> usize {
    let start = plain.len();
    // One byte less than the frame is all the room there is: what does not fit is not shorter.
    plain.resize(start.saturating_add(frame.len().saturating_sub(1)), 0);
    let room = plain.get_mut(start..).unwrap_or_default();
    let stored = if frame.len() < MIN_COMPRESSED { None } else { compress(frame, room) };
    plain.truncate(start.saturating_add(stored.unwrap_or_default()));
    if stored.is_none() {
        plain.extend_from_slice(frame);
    }
    stored.unwrap_or(frame.len())
}

fn read(plain: &[u8]) -> Option<Directory> {
    let mut rest = plain.strip_prefix(MAGIC)?;
    let as_of = Timestamp(i64::from_be_bytes(take(&mut rest)?));
    let count = usize::from(u16::from_be_bytes(take(&mut rest)?));
    if rest.len() < count.checked_mul(ENTRY)? {
        return None;
    }
    let mut members = Vec::with_capacity(count);
    for _ in 0..count {
        let [kind] = take(&mut rest)?;
        let heading = MemberHeading {
            kind: Kind::from_code(kind)?,
            id: RecordId(take(&mut rest)?),
            version: Version::from_be_bytes(take(&mut rest)?),
            last_updated: Timestamp(i64::from_be_bytes(take(&mut rest)?)),
        };
        let [frame] = take(&mut rest)?;
        let (offset, length) = (size(take(&mut rest)?)?, size(take(&mut rest)?)?);
        members.push(Place { heading, frame: usize::from(frame), bytes: offset..offset.checked_add(length)? });
    }
    let [count] = take(&mut rest)?;
    let mut lengths = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        lengths.push((size(take(&mut rest)?)?, size(take(&mut rest)?)?));
    }
    let mut frames = Vec::with_capacity(lengths.len());
    let mut start = plain.len().checked_sub(rest.len())?;
    for (raw_length, stored) in lengths {
        let end = start.checked_add(stored)?;
        frames.push(FramePlace { raw_length, stored: start..end });
        start = end;
    }
    let inside = |place: &Place| frames.get(place.frame).is_some_and(|frame| place.bytes.end <= frame.raw_length);
    let total = frames.iter().try_fold(0usize, |sum, frame| sum.checked_add(frame.raw_length))?;
    (start == plain.len() && total <= MAX_PLAINTEXT && members.iter().all(inside)).then_some(Directory {
        as_of,
        members,
        frames,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

fn size(bytes: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

fn length(bytes: usize) -> Result<[u8; 4], SealFault> {
    u32::try_from(bytes).map(u32::to_be_bytes).map_err(|_| SealFault::TooLarge)
}

const MAGIC: &[u8; 2] = b"C1";
const ENTRY: usize = 38;
const FRAMES: usize = 2;
/// The head of a zstd frame and of its block alone are about as long.
const MIN_COMPRESSED: usize = 32;
