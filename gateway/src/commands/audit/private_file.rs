//! A file for its owner alone that is there whole or not at all.

use crate::exit::{Exit, Outcome, Stop};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file being written under another name beside its place; removed when dropped before it is finished.
pub(super) struct PrivateFile {
    place: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    finished: bool,
}

impl PrivateFile {
    /// Begins a file of mode 0600.
    pub(super) fn begin(place: &Path) -> Outcome<Self> {
        let part = beside(place, ".part");
        let _ = fs::remove_file(&part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = BufWriter::new(file.map_err(|why| not_written(place, &why))?);
        Ok(Self { place: place.to_owned(), part, file, finished: false })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Outcome {
        self.file.write_all(bytes).map_err(|why| not_written(&self.place, &why))
    }

    /// Brings the file to the disk and to its place, over whatever was there.
    pub(super) fn finish(mut self) -> Outcome {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.and_then(|()| rename(&self.part, &self.place)).map_err(|why| not_written(&self.place, &why))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Renames a file so that a power cut leaves one of the two names.
pub(super) fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)?;
    match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Returns the path with something added to its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Says that a file cannot be written.
pub(super) fn not_written(path: &Path, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("{} cannot be written: {why}", path.display()))
}
