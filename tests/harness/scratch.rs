//! The directory of one control plane.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

const PREFIX: &str = "commonwatt-control-plane-";
const LOCK: &str = "lock";

/// A temporary directory that goes away with the control plane. A process that is killed cannot
/// clean up, and an etcd leaves more than 100 MB: so each directory holds a locked file, and
/// whoever comes next removes the directories whose lock nobody holds any more.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let parent = std::env::temp_dir();
        remove_abandoned(&parent);
        let mut directory = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{name}-"))
            .tempdir_in(&parent)
            .map_err(Error::file("create a directory in", &parent))?;
        // Locked under another name first: a directory is never seen with a lock that is free.
        let (early, path) = (
            directory.path().join("lock.new"),
            directory.path().join(LOCK),
        );
        let lock = File::create(&early).map_err(Error::file("create", &early))?;
        lock.lock().map_err(Error::file("lock", &early))?;
        if std::env::var_os("COMMONWATT_KEEP").is_some() {
            // For reading the logs after a failure: without its lock nobody removes it.
            directory.disable_cleanup(true);
        } else {
            fs::rename(&early, &path).map_err(Error::file("write", &path))?;
        }
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The path of a file in the directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in the directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.file(name);
        fs::write(&path, text).map_err(Error::file("write", &path))?;
        Ok(path)
    }
}

/// Failures are passed over: somebody else's rubbish must not stop a test.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => drop(fs::remove_dir_all(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_stays_and_an_abandoned_one_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let abandoned = parent.path().join(format!("{PREFIX}old"));
        let used = parent.path().join(format!("{PREFIX}new"));
        for directory in [&abandoned, &used] {
            fs::create_dir(directory).unwrap();
            File::create(directory.join(LOCK)).unwrap();
        }
        let lock = File::open(used.join(LOCK)).unwrap();
        lock.lock().unwrap();
        remove_abandoned(parent.path());
        assert!(used.exists());
        assert!(!abandoned.exists());
    }
}
