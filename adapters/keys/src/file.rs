//! Reading secrets from files and descriptors, never from arguments or the environment.

use domain::secret::SecretBytes;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Longest secret that is read, in bytes.
pub const MAX_SECRET_BYTES: u64 = 4_096;

/// Why a secret cannot be read; names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileFault {
    /// The file or descriptor cannot be opened or read.
    #[error("cannot read the secret from {from}: {why}")]
    Unreadable {
        /// The file or descriptor.
        from: String,
        /// What the operating system said.
        why: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error("{0} must be readable by its owner alone (mode is {mode:04o}): run `chmod 0400 {0}`", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is nothing in it.
    #[error("the secret from {from} is empty")]
    Empty {
        /// The file or descriptor.
        from: String,
    },
    /// There is more in it than a secret may have.
    #[error("the secret from {from} is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong {
        /// The file or descriptor.
        from: String,
    },
}

/// Reads a passphrase or token file; the last line end is not part of it.
///
/// # Errors
/// [`SecretFileFault`]; the file must not be open to group or others.
pub fn read_secret_file(path: &Path) -> Result<SecretBytes, SecretFileFault> {
    let mode = mode_of(path)?;
    if mode & 0o077 != 0 && !handed_over(path, mode) {
        return Err(SecretFileFault::TooOpen { path: path.to_owned(), mode });
    }
    read_all(open(path)?, &path.display().to_string())
}

/// Reads a credential file: mode 0400 exactly, or as `systemd` hands credentials over.
///
/// # Errors
/// [`SecretFileFault`].
pub fn read_credential_file(path: &Path) -> Result<SecretBytes, SecretFileFault> {
    let mode = mode_of(path)?;
    if mode != 0o400 && !handed_over(path, mode) {
        return Err(SecretFileFault::TooOpen { path: path.to_owned(), mode });
    }
    read_all(open(path)?, &path.display().to_string())
}

/// Reads a passphrase from an inherited descriptor to its end.
///
/// # Errors
/// [`SecretFileFault`].
pub fn read_secret_descriptor(descriptor: u32) -> Result<SecretBytes, SecretFileFault> {
    // Opening the descriptor's path borrows no raw descriptor, so no unsafe is needed.
    let path = PathBuf::from(format!("/dev/fd/{descriptor}"));
    read_all(open(&path)?, &format!("descriptor {descriptor}"))
}

/// Says whether the service manager put the file there for this process alone.
///
/// For a service with an account of its own, systemd 254 and later grants the account access by an access control list;
/// the list's mask then shows as group bits (0440), though no group may read, and nobody else enters the folder.
fn handed_over(path: &Path, mode: u32) -> bool {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    mode == 0o440 && folder.is_some_and(|folder| !folder.is_empty() && path.parent() == Some(Path::new(&folder)))
}

fn mode_of(path: &Path) -> Result<u32, SecretFileFault> {
    let unreadable = |why| SecretFileFault::Unreadable { from: path.display().to_string(), why };
    Ok(std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777)
}

fn open(path: &Path) -> Result<File, SecretFileFault> {
    File::open(path).map_err(|why| SecretFileFault::Unreadable { from: path.display().to_string(), why })
}

fn read_all(file: File, from: &str) -> Result<SecretBytes, SecretFileFault> {
    // Capacity up front, so that the secret is not left behind in a buffer that grew.
    let capacity = usize::try_from(MAX_SECRET_BYTES).unwrap_or(4_096).saturating_add(1);
    let mut bytes = Vec::with_capacity(capacity);
    file.take(MAX_SECRET_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|why| SecretFileFault::Unreadable { from: from.to_owned(), why })?;
    if bytes.len() >= capacity {
        return Err(SecretFileFault::TooLong { from: from.to_owned() });
    }
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err(SecretFileFault::Empty { from: from.to_owned() });
    }
    Ok(SecretBytes::new(bytes))
}
