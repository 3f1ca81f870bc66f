//! The custody file: slots that each open the same roots, like LUKS key slots.
//!
//! Adding or removing a slot re-encrypts nothing else. Wrong passphrases are counted beside the
//! file and slow the next attempt down; the count is forgotten on success.

use crate::file::SecretFileFault;
use domain::keys::Roots;
use domain::keys::slot::{KdfParams, Slot, SlotFault, SlotKind};
use domain::ports::{Entropy, Unavailable};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest custody file that is read, in bytes.
pub const MAX_CUSTODY_BYTES: u64 = 65_536;
/// Most slots of a custody file: each is tried in turn, and costs its time.
pub const MAX_SLOTS: usize = 16;
/// Failed attempts that cost no waiting.
pub const FREE_ATTEMPTS: u32 = 3;
/// Longest wait before an attempt, in seconds.
pub const MAX_DELAY_SECONDS: u64 = 30;

/// The slots of one installation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custody {
    /// Version of this file's form.
    sealgate_custody: u32,
    /// The slots; each opens the same roots.
    pub slots: Vec<Slot>,
}

/// Why the roots cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CustodyFault {
    /// No slot opens with the secret given.
    #[error("wrong passphrase: no slot of {} opens with it ({failures} failed so far)", path.display())]
    Wrong {
        /// The custody file.
        path: PathBuf,
        /// Failed attempts since the last success.
        failures: u32,
    },
    /// The file cannot be read or written.
    #[error("cannot use the custody file {}: {why}", path.display())]
    File {
        /// The custody file.
        path: PathBuf,
        /// What the operating system said.
        why: io::Error,
    },
    /// The file says something that no custody file may say.
    #[error("the custody file {} is damaged: {what}", path.display())]
    Damaged {
        /// The custody file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretFileFault),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Entropy(#[from] Unavailable),
}

impl Custody {
    /// Makes a custody without slots.
    #[must_use]
    pub fn new() -> Self {
        Self { sealgate_custody: 1, slots: Vec::new() }
    }

    /// Adds a slot that opens the roots with a secret.
    ///
    /// # Errors
    /// [`CustodyFault::Entropy`].
    pub fn add(
        &mut self,
        roots: &Roots,
        kind: SlotKind,
        secret: &[u8],
        params: Option<KdfParams>,
        entropy: &dyn Entropy,
    ) -> Result<(), CustodyFault> {
        let id = self.slots.iter().map(|slot| slot.id).max().map_or(1, |id| id.saturating_add(1));
        let slot = Slot::seal(id, roots, kind, secret, params, entropy).map_err(|_| Unavailable)?;
        self.slots.push(slot);
        Ok(())
    }

    /// Reads the custody file.
    ///
    /// # Errors
    /// [`CustodyFault::File`], [`CustodyFault::Damaged`].
    pub fn read(path: &Path) -> Result<Self, CustodyFault> {
        let file = |why| CustodyFault::File { path: path.to_owned(), why };
        let mut text = Vec::new();
        let opened = fs::File::open(path).map_err(file)?;
        opened.take(MAX_CUSTODY_BYTES.saturating_add(1)).read_to_end(&mut text).map_err(file)?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_CUSTODY_BYTES {
            return Err(CustodyFault::Damaged { path: path.to_owned(), what: "it is larger than 64 KiB" });
        }
        let damaged = |what| CustodyFault::Damaged { path: path.to_owned(), what };
        let custody: Self =
            serde_json::from_slice(&text).map_err(|_| damaged("it is not the JSON this version writes"))?;
        if custody.sealgate_custody != 1 {
            return Err(damaged("it was written by a newer version"));
        }
        if custody.slots.len() > MAX_SLOTS {
            return Err(damaged("it has more than 16 slots"));
        }
        Ok(custody)
    }

    /// Writes the custody file, replacing an older one in one step; mode 0600.
    ///
    /// # Errors
    /// [`CustodyFault::File`].
    pub fn write(&self, path: &Path) -> Result<(), CustodyFault> {
        let file = |why| CustodyFault::File { path: path.to_owned(), why };
        let text = serde_json::to_vec_pretty(self).map_err(|why| file(io::Error::other(why)))?;
        let beside = path.with_extension("new");
        let mut options = fs::OpenOptions::new();
        let mut new = options.write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(file)?;
        new.write_all(&text).and_then(|()| new.sync_all()).map_err(file)?;
        fs::rename(&beside, path).map_err(file)?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                fs::File::open(parent).and_then(|dir| dir.sync_all()).map_err(file)
            }
            _ => Ok(()),
        }
    }

    /// Opens the roots with a secret; tries the slots of this kind.
    ///
    /// # Errors
    /// [`CustodyFault::Wrong`], counted in `attempts`; [`CustodyFault::Damaged`] when a slot's
    /// parameters are out of bounds.
    pub fn open(&self, path: &Path, kind: SlotKind, secret: &[u8]) -> Result<Roots, CustodyFault> {
        let mut refused = None;
        for slot in self.slots.iter().filter(|slot| slot.kind == kind) {
            match slot.open(secret) {
                Ok(roots) => {
                    forget_failures(path);
                    return Ok(roots);
                }
                Err(SlotFault::Wrong) => {}
                Err(SlotFault::Refused(what)) => refused = Some(what),
                Err(SlotFault::Unavailable) => return Err(CustodyFault::Entropy(Unavailable)),
                Err(SlotFault::Broken) => refused = Some("a slot is not whole"),
            }
        }
        if let Some(what) = refused {
            return Err(CustodyFault::Damaged { path: path.to_owned(), what });
        }
        let failures = failures(path).saturating_add(1);
        let _ = fs::write(attempts_path(path), failures.to_string());
        Err(CustodyFault::Wrong { path: path.to_owned(), failures })
    }
}

impl Default for Custody {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns how long to wait before the next attempt: nothing at first, then 1, 2, 4 … seconds.
#[must_use]
pub fn delay_before_attempt(path: &Path) -> Duration {
    let over = failures(path).saturating_sub(FREE_ATTEMPTS);
    if over == 0 {
        return Duration::ZERO;
    }
    let seconds = 1u64.checked_shl(over.saturating_sub(1)).unwrap_or(MAX_DELAY_SECONDS);
    Duration::from_secs(seconds.min(MAX_DELAY_SECONDS))
}

fn failures(path: &Path) -> u32 {
    fs::read_to_string(attempts_path(path)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn forget_failures(path: &Path) {
    let _ = fs::remove_file(attempts_path(path));
}

fn attempts_path(path: &Path) -> PathBuf {
    path.with_extension("attempts")
}
