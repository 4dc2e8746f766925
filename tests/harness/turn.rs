//! As many control planes start at once as the machine has processors.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::{Error, Result};

/// Waits for a turn to start a control plane, and holds it until the file is dropped. A start is a
/// few seconds of pure computing: fifteen at once on two processors all took longer than their
/// limit, one after the other they are done in a minute. Turns are shared with the user's other test
/// processes, through locks in the cache.
pub(crate) fn wait(cache: &Path) -> Result<File> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    loop {
        for number in 0..processors {
            let path = cache.join(format!("turn-{number}.lock"));
            let turn = File::create(&path).map_err(Error::file("create", &path))?;
            if turn.try_lock().is_ok() {
                return Ok(turn);
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
}
