//! An opened record: to be looked at inside, and shown to a reader only once that is in the chain.

use super::compression::decompress;
use super::content::{Directory, MemberHeading};
use super::{Binding, IntegrityFailure};
use crate::id::RecordId;
use crate::keys::{ContentKey, ContentMac};
use crate::kind::Kind;
use crate::ports::Receipt;
use crate::time::Timestamp;
use crate::write::Version;
use alloc::vec::Vec;
use core::cell::OnceCell;

/// A record in clear that nobody outside has seen.
///
/// Search looks inside to check a hit, intake to join a correction. For a reader it becomes
/// [`Disclosed`], which takes the receipt that the disclosure is in the chain.
pub struct Opened {
    binding: Binding,
    plain: Vec<u8>,
    directory: Directory,
    frames: Vec<OnceCell<Option<Vec<u8>>>>,
}

impl Opened {
    pub(super) fn read(binding: Binding, plain: Vec<u8>) -> Result<Self, IntegrityFailure> {
        let directory = Directory::read(&plain)?;
        let frames = directory.frames.iter().map(|_| OnceCell::new()).collect();
        Ok(Self { binding, plain, directory, frames })
    }

    /// Borrows where the record belongs.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Returns when the sender says this was true.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.directory.as_of
    }

    /// Returns the headings of the members, the head first.
    pub fn members(&self) -> impl Iterator<Item = &MemberHeading> {
        self.directory.members.iter().map(|place| &place.heading)
    }

    /// Returns the keyed hash of the content, which is the `after_hash` of the write that stored it.
    #[must_use]
    pub fn content_mac(&self, key: &ContentKey) -> ContentMac {
        key.mac(&self.plain)
    }

    /// Looks at the text of every member, the head first; members that are not UTF-8 are passed over.
    pub fn inspect(&self, mut look: impl FnMut(&MemberHeading, &str)) {
        for (number, place) in self.directory.members.iter().enumerate() {
            if let Some(text) = self.text(number) {
                look(&place.heading, text);
            }
        }
    }

    /// Looks at the text of every member of a kind, in their order.
    pub fn inspect_kind(&self, kind: Kind, mut look: impl FnMut(&MemberHeading, &str)) {
        for (number, place) in self.directory.members.iter().enumerate() {
            if place.heading.kind == kind
                && let Some(text) = self.text(number)
            {
                look(&place.heading, text);
            }
        }
    }

    /// Looks at the text of one member; `None` when there is no such member or it is not UTF-8.
    pub fn with<R>(&self, kind: Kind, id: RecordId, look: impl FnOnce(&MemberHeading, &str) -> R) -> Option<R> {
        let number = self.position(kind, id)?;
        let heading = &self.directory.members.get(number)?.heading;
        Some(look(heading, self.text(number)?))
    }

    /// Returns the version of a member; `None` when there is no such member.
    #[must_use]
    pub fn version_of(&self, kind: Kind, id: RecordId) -> Option<Version> {
        self.members().find(|heading| heading.kind == kind && heading.id == id).map(|heading| heading.version)
    }

    /// Turns into what a reader may see; the receipt proves that the disclosure is in the chain.
    #[must_use]
    pub fn disclose(self, _receipt: &Receipt) -> Disclosed {
        Disclosed(self)
    }

    fn position(&self, kind: Kind, id: RecordId) -> Option<usize> {
        self.directory.members.iter().position(|place| place.heading.kind == kind && place.heading.id == id)
    }

    fn text(&self, number: usize) -> Option<&str> {
        core::str::from_utf8(self.member(number)?).ok()
    }

    fn member(&self, number: usize) -> Option<&[u8]> {
        let place = self.directory.members.get(number)?;
        self.frame(place.frame)?.get(place.bytes.clone())
    }

    /// Unpacks a frame the first time it is asked for.
    fn frame(&self, number: usize) -> Option<&[u8]> {
        let place = self.directory.frames.get(number)?;
        let stored = self.plain.get(place.stored.clone())?;
        if stored.len() == place.raw_length {
            return Some(stored);
        }
        self.frames.get(number)?.get_or_init(|| decompress(stored, place.raw_length)).as_deref()
    }
}

/// A record in clear whose disclosure is in the chain.
pub struct Disclosed(Opened);

impl Disclosed {
    /// Borrows where the record belongs.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.0.binding
    }

    /// Returns the headings of the members, the head first.
    pub fn members(&self) -> impl Iterator<Item = &MemberHeading> {
        self.0.members()
    }

    /// Borrows the heading of a member; `None` when there is no such member.
    #[must_use]
    pub fn heading(&self, kind: Kind, id: RecordId) -> Option<&MemberHeading> {
        self.members().find(|heading| heading.kind == kind && heading.id == id)
    }

    /// Borrows the text of a member; `None` when there is no such member or it is not UTF-8.
    #[must_use]
    pub fn text(&self, kind: Kind, id: RecordId) -> Option<&str> {
        core::str::from_utf8(self.bytes(kind, id)?).ok()
    }

    /// Borrows the bytes of a member, exactly as they came; `None` when there is no such member.
    #[must_use]
    pub fn bytes(&self, kind: Kind, id: RecordId) -> Option<&[u8]> {
        self.0.member(self.0.position(kind, id)?)
    }
}
