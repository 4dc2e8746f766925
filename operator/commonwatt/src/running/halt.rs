//! Time stopped at a place of a write, for tests that kill the process there.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Stops all writes at the first place that its list does not name yet, as if time had stopped there, after writing the
/// place into the list. A test kills the process then, starts it again with the same list, and so goes through every place.
/// Events are a courtesy and do not count.
///
/// Writes go out side by side, and one lock says in which order they passed here. What comes after the halt is stopped:
/// no request leaves, and no answer is heard. What had passed before is in flight, and arrives or not, as in any crash.
#[derive(Debug)]
pub struct Halt {
    list: PathBuf,
    been: Mutex<Been>,
}

#[derive(Debug)]
struct Been {
    places: BTreeSet<String>,
    halted: bool,
}

impl Halt {
    /// With the list in this file, which may not be there yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn with(list: &Path) -> io::Result<Arc<Self>> {
        let text = match fs::read_to_string(list) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        Ok(Arc::new(Self {
            list: list.to_owned(),
            been: Mutex::new(Been {
                places: text.lines().map(str::to_owned).collect(),
                halted: false,
            }),
        }))
    }

    /// Goes on, or never does.
    pub async fn pass(&self, place: String) {
        if self.stops_at(place) {
            std::future::pending::<()>().await;
        }
    }

    fn stops_at(&self, place: String) -> bool {
        let mut been = self.been.lock().unwrap_or_else(PoisonError::into_inner);
        if !been.halted && been.places.insert(place.clone()) {
            been.halted = true;
            tracing::warn!("halted {place}");
            let mut list = OpenOptions::new();
            let file = list.create(true).append(true).open(&self.list);
            // In one piece: the test reads it at any time.
            let line = format!("{place}\n");
            if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
                tracing::error!("{}: {error}", self.list.display());
            }
        }
        been.halted
    }
}
