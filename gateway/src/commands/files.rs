//! Files of operators: reading secrets, metadata and keys, and writing new files.

use crate::exit::{Exit, Outcome, Stop};
use domain::directory::{Hidden, MAX_VALUE_BYTES};
use keys::file::read_secret_file;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a secret from a file that its owner alone may read, or from standard input for `-`; the last line end is not part of it.
///
/// # Errors
/// [`Exit::Missing`] when it cannot be read, [`Exit::Failed`] when it is no text or longer than any secret.
pub(super) fn secret(path: &Path) -> Outcome<Hidden> {
    if path == Path::new("-") {
        // Sized once, so that growing leaves no copy behind; one byte more than a secret and its line end may have.
        let mut text = Zeroizing::new(String::with_capacity(MAX_VALUE_BYTES.saturating_add(3)));
        let most = u64::try_from(text.capacity()).unwrap_or(u64::MAX);
        std::io::stdin()
            .lock()
            .take(most)
            .read_to_string(&mut text)
            .map_err(|why| Stop::new(Exit::Missing, format!("the secret cannot be read from standard input: {why}")))?;
        return Ok(Hidden::new(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    let bytes = read_secret_file(path).map_err(|fault| Stop::new(Exit::Missing, fault))?;
    let text = std::str::from_utf8(bytes.expose())
        .map_err(|_| Stop::new(Exit::Failed, format!("{} is no text", path.display())))?;
    Ok(Hidden::new(text.to_owned()))
}

/// Reads a text file.
///
/// # Errors
/// [`Exit::Missing`] when it cannot be read, [`Exit::Failed`] when it is no UTF-8 or larger than `most_bytes`.
pub(super) fn text(path: &Path, most_bytes: usize) -> Outcome<String> {
    let unread = |why: std::io::Error| Stop::new(Exit::Missing, format!("{} cannot be read: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(unread)?;
    let (mut bytes, most) = (Vec::new(), u64::try_from(most_bytes).unwrap_or(u64::MAX));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() > most_bytes {
        let line = format!("{} is larger than {} KiB", path.display(), most_bytes.div_euclid(1024));
        return Err(Stop::new(Exit::Failed, line));
    }
    String::from_utf8(bytes).map_err(|_| Stop::new(Exit::Failed, format!("{} is no UTF-8 text", path.display())))
}

/// Writes a new file with a mode, down to the disk; a file that is there is never replaced.
///
/// # Errors
/// [`Exit::Failed`].
pub(super) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Outcome {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(|why| not_written(path, &why))
}

/// Says that a file or folder cannot be written.
pub(super) fn not_written(path: &Path, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("{} cannot be written: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_missing_or_no_text_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.xml");
        assert_eq!(text(&path, 4).unwrap_err().exit, Exit::Missing);
        std::fs::write(&path, "abcd").unwrap();
        assert_eq!(text(&path, 4).unwrap(), "abcd");
        std::fs::write(&path, "abcde").unwrap();
        let stop = text(&path, 4).unwrap_err();
        assert!(stop.exit == Exit::Failed && stop.line.contains("metadata.xml"), "{}", stop.line);
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(text(&path, 4).unwrap_err().exit, Exit::Failed);
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "secret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(secret(&path).unwrap_err().exit, Exit::Missing);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(secret(&path).unwrap().expose(), "secret");
    }
}
