//! One opening of a file at a time in this process, so that two threads do not create one file twice; the
//! openings of other files go on meanwhile.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::path::unusable;
use crate::model::{Error, Result};

/// A file that may not exist yet: its name in its folder, by whichever path the folder was reached.
type Place = (Identity, OsString);

/// The files being opened.
static OPENING: Mutex<Vec<Place>> = Mutex::new(Vec::new());
static ENDED: Condvar = Condvar::new();

/// The right to open a file, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Place);

impl Turn {
    /// Waits while another thread opens the file.
    pub(super) fn wait(path: &Path, longest: Duration) -> Result<Self> {
        let folder = Identity::of(path.parent().unwrap_or(path))
            .map_err(|error| unusable(path, format!("its folder cannot be read: {error}")))?;
        let place = (folder, path.file_name().unwrap_or_default().to_owned());
        let started = Instant::now();
        let opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut opening, waited) = ENDED
            .wait_timeout_while(opening, longest, |opening| opening.contains(&place))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Error::Busy { waited: started.elapsed() });
        }
        opening.push(place.clone());
        Ok(Self(place))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        opening.retain(|place| *place != self.0);
        ENDED.notify_all();
    }
}
