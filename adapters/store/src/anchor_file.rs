//! The anchor file: how far each chain was, kept outside the database.
//!
//! Its bytes are the domain's ([`domain::audit::Anchors`]); here they meet the disk. One slot is overwritten
//! in place, under an exclusive lock, and never moves a chain backwards. Several processes may share the file:
//! what another wrote is seen before the next write.
//!
//! A slot is not synced with every batch: an anchor that a power cut sets back a little is behind its chain,
//! which is always allowed, and a sync would double the cost of a commit. The first anchor of a chain is synced
//! before the chain's first entry is committed, since a chain with entries and without an anchor is a break; the second
//! one too, since from then on a slot without an anchor is one that was removed.

use domain::audit::{Anchor, AnchorFault, AnchorKey, Anchors, ChainHead, ChainId};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Most bytes of an anchor file: about 65,000 chains.
pub(crate) const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// An open anchor file.
pub struct AnchorFile {
    file: File,
    key: AnchorKey,
    /// The file as this process last saw it.
    image: Vec<u8>,
    anchors: Anchors,
    /// How many anchors were found altered since the file was opened.
    altered: u64,
}

impl AnchorFile {
    /// Makes a new file, readable by its owner only, without anchors.
    ///
    /// # Errors
    /// [`AnchorFileError::Io`], also when there is a file already.
    pub fn create(path: &Path, key: AnchorKey) -> Result<Self, AnchorFileError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let image = Anchors::new_file().to_vec();
        file.write_all_at(&image, 0)?;
        file.sync_all()?;
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(directory)?.sync_all()?;
        }
        Ok(Self { file, key, image, anchors: Anchors::default(), altered: 0 })
    }

    /// Opens an existing file and checks every anchor in it.
    ///
    /// # Errors
    /// [`AnchorFileError`]; a missing file is [`io::ErrorKind::NotFound`].
    pub fn open(path: &Path, key: AnchorKey) -> Result<Self, AnchorFileError> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut opened = Self { file, key, image: Vec::new(), anchors: Anchors::default(), altered: 0 };
        opened.locked(|_| Ok(()))?;
        Ok(opened)
    }

    /// Returns every anchor, as the file had them when it was last read or written here.
    #[must_use]
    pub fn all(&self) -> Vec<Anchor> {
        self.anchors.all().copied().collect()
    }

    /// Returns how many anchors were altered from outside since this was asked last.
    pub(crate) fn take_altered(&mut self) -> u64 {
        std::mem::take(&mut self.altered)
    }

    /// Reads what other processes wrote meanwhile and returns every anchor.
    ///
    /// # Errors
    /// [`AnchorFileError`].
    pub fn read(&mut self) -> Result<Vec<Anchor>, AnchorFileError> {
        self.locked(|_| Ok(()))?;
        Ok(self.all())
    }

    /// Moves the anchors of chains forward to heads that are committed.
    ///
    /// # Errors
    /// [`AnchorFileError`]; anchors are then where they were, or moved in part.
    pub fn advance(&mut self, heads: &[(ChainId, ChainHead)]) -> Result<(), AnchorFileError> {
        self.locked(|open| open.write(heads))
    }

    /// Gives chains their first anchor, on disk, before their first entry is committed.
    ///
    /// # Errors
    /// [`AnchorFileError`]; then no entry may be committed.
    pub fn found(&mut self, chains: &[ChainId]) -> Result<(), AnchorFileError> {
        let heads: Vec<_> = chains.iter().map(|chain| (*chain, ChainHead::EMPTY)).collect();
        self.locked(|open| open.write(&heads))
    }

    /// Brings everything written to the disk.
    ///
    /// # Errors
    /// [`AnchorFileError::Io`].
    pub fn sync(&self) -> Result<(), AnchorFileError> {
        Ok(self.file.sync_all()?)
    }

    /// Runs under the lock, with what other processes wrote taken in.
    fn locked(&mut self, work: impl FnOnce(&mut Self) -> Result<(), AnchorFileError>) -> Result<(), AnchorFileError> {
        self.file.lock()?;
        let done = self.take_in().and_then(|()| work(self));
        self.file.unlock()?;
        done
    }

    fn take_in(&mut self) -> Result<(), AnchorFileError> {
        let length = usize::try_from(self.file.metadata()?.len()).unwrap_or(usize::MAX);
        if length > MAX_FILE_BYTES {
            return Err(AnchorFault::NotAnAnchorFile.into());
        }
        let mut now = vec![0; length];
        self.file.read_exact_at(&mut now, 0)?;
        if now != self.image {
            let anchors = Anchors::read(&now, &self.key)?;
            // Nobody moves an anchor back, and while a process lives no power cut tears one.
            for known in self.anchors.all().filter(|_| !self.image.is_empty()) {
                let is = anchors.of(known.chain);
                if is.is_none_or(|is| is.length < known.length || (is.in_doubt && !known.in_doubt)) {
                    tracing::error!(chain = %known.chain, entries = known.length, "an anchor was altered from outside");
                    self.altered = self.altered.saturating_add(1);
                }
            }
            self.anchors = anchors;
            self.image = now;
        }
        Ok(())
    }

    /// Writes the slots that move.
    fn write(&mut self, heads: &[(ChainId, ChainHead)]) -> Result<(), AnchorFileError> {
        let mut first = false;
        for (chain, head) in heads {
            // The head's own time: an anchor needs no clock of its own.
            let Some(slot) = self.anchors.advance(*chain, head, head.time, &self.key) else { continue };
            first |= slot.first_of_its_place;
            if let Err(error) = self.file.write_all_at(&slot.bytes, slot.offset) {
                // What is in memory is ahead of the file now; the next time the file counts.
                self.image.clear();
                return Err(error.into());
            }
            let start = usize::try_from(slot.offset).unwrap_or(usize::MAX);
            let end = start.saturating_add(slot.bytes.len());
            if self.image.len() < end {
                self.image.resize(end, 0);
            }
            if let Some(place) = self.image.get_mut(start..end) {
                place.copy_from_slice(&slot.bytes);
            }
        }
        if first {
            self.file.sync_all()?;
        }
        Ok(())
    }
}

/// Why the anchor file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AnchorFileError {
    /// The file system refused.
    #[error("the anchor file cannot be read or written")]
    Io(#[from] io::Error),
    /// The file is not what was written.
    #[error("the anchor file is not usable")]
    Fault(#[from] AnchorFault),
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::secret::Secret;
    use domain::time::Timestamp;
    use std::os::unix::fs::PermissionsExt;

    fn key() -> AnchorKey {
        AnchorKey::derive(&Secret::new([7; 32]))
    }

    fn head(length: u64) -> ChainHead {
        ChainHead { length, tag: [9; 32], time: Timestamp(5) }
    }

    const CHAIN: ChainId = ChainId([1; 16]);

    #[test]
    fn anchors_only_move_forward_and_are_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anchors");
        let mut file = AnchorFile::create(&path, key()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        file.found(&[CHAIN]).unwrap();
        file.advance(&[(CHAIN, head(5))]).unwrap();
        file.advance(&[(CHAIN, head(3))]).unwrap();
        let anchors = AnchorFile::open(&path, key()).unwrap().all();
        assert_eq!(anchors.iter().map(|anchor| (anchor.chain, anchor.length)).collect::<Vec<_>>(), [(CHAIN, 5)]);
    }

    #[test]
    fn two_processes_see_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anchors");
        let mut one = AnchorFile::create(&path, key()).unwrap();
        let mut two = AnchorFile::open(&path, key()).unwrap();
        let other = ChainId([2; 16]);
        one.found(&[CHAIN]).unwrap();
        two.found(&[other]).unwrap();
        one.advance(&[(CHAIN, head(7)), (other, head(1))]).unwrap();
        two.advance(&[(CHAIN, head(6)), (other, head(2))]).unwrap();
        let mut lengths: Vec<_> = AnchorFile::open(&path, key()).unwrap().all().iter().map(|a| a.length).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [2, 7]);
    }

    #[test]
    fn an_anchor_altered_under_a_process_is_counted_once_and_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anchors");
        let mut file = AnchorFile::create(&path, key()).unwrap();
        file.found(&[CHAIN]).unwrap();
        for length in [5, 9] {
            file.advance(&[(CHAIN, head(length))]).unwrap();
        }
        assert_eq!(file.take_altered(), 0);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[128 + 128 + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(
            AnchorFile::open(&path, key()).unwrap().all().iter().all(|anchor| anchor.in_doubt && anchor.length == 5)
        );
        file.advance(&[(CHAIN, head(12))]).unwrap();
        assert_eq!((file.take_altered(), file.take_altered()), (1, 0));
        assert!(
            AnchorFile::open(&path, key()).unwrap().all().iter().all(|anchor| !anchor.in_doubt && anchor.length == 12)
        );
    }

    #[test]
    fn an_altered_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anchors");
        AnchorFile::create(&path, key()).unwrap().found(&[CHAIN]).unwrap();
        assert!(AnchorFile::open(&path, AnchorKey::derive(&Secret::new([8; 32]))).is_ok_and(|f| f.all().is_empty()));
        std::fs::write(&path, b"something else").unwrap();
        assert!(matches!(AnchorFile::open(&path, key()), Err(AnchorFileError::Fault(AnchorFault::NotAnAnchorFile))));
        assert!(AnchorFile::create(&path, key()).is_err());
    }
}
