//! One thread at a time opens a file, so that two do not both create it; other files are opened concurrently.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::path::unusable;
use crate::engine::sqlite::connection::files::Identity;
use crate::model::{Error, Result};

/// A file that may not exist yet: its folder's identity, and its name in it.
type Location = (Identity, OsString);

/// The files being opened.
static OPENING: Mutex<Vec<Location>> = Mutex::new(Vec::new());
static ENDED: Condvar = Condvar::new();

/// The right to open a file, until dropped.
#[derive(Debug)]
pub(super) struct OpeningGuard(Location);

impl OpeningGuard {
    /// Waits while another thread opens the file.
    ///
    /// # Errors
    /// [`Error::Busy`] after the longest wait.
    pub(super) fn acquire(path: &Path, longest: Duration) -> Result<Self> {
        let folder = Identity::of(path.parent().unwrap_or(path))
            .map_err(|error| unusable(path, format!("its folder cannot be read: {error}")))?;
        let location = (folder, path.file_name().unwrap_or_default().to_owned());
        let started = Instant::now();
        let opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut opening, waited) = ENDED
            .wait_timeout_while(opening, longest, |opening| opening.contains(&location))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Error::Busy { waited: started.elapsed() });
        }
        opening.push(location.clone());
        Ok(Self(location))
    }
}

impl Drop for OpeningGuard {
    fn drop(&mut self) {
        let mut opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        opening.retain(|location| *location != self.0);
        ENDED.notify_all();
    }
}
