//! Where ledgers are kept: a file that is only ever appended to, or memory for a fleet that does not exist.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use commonwatt_site::Journal;

/// JSON Lines in a file.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
}

impl FileJournal {
    /// A journal in a directory, made if it is not there.
    pub fn open(directory: &Path) -> Result<Self, String> {
        fs::create_dir_all(directory).map_err(|error| {
            format!(
                "cannot make the ledger's folder {}: {error}",
                directory.display()
            )
        })?;
        Ok(Self {
            path: directory.join("records.jsonl"),
        })
    }
}

impl Journal for FileJournal {
    fn append(&self, lines: &[u8]) -> Result<(), String> {
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)?;
            file.write_all(lines)?;
            // A record that was said to be written must survive a crash.
            file.sync_data()
        };
        write().map_err(|error: std::io::Error| format!("{}: {error}", self.path.display()))
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("{}: {error}", self.path.display())),
        }
    }
}

/// Lines in memory.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<Vec<u8>>);

impl Journal for MemoryJournal {
    fn append(&self, lines: &[u8]) -> Result<(), String> {
        self.0
            .lock()
            .map_err(|_| "the journal is broken".to_owned())?
            .extend_from_slice(lines);
        Ok(())
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        Ok(self
            .0
            .lock()
            .map_err(|_| "the journal is broken".to_owned())?
            .clone())
    }
}
