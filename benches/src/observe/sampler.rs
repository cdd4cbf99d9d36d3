//! Samples, from a thread of its own, what no task's own times show: waits for the write lock, resident memory,
//! and how large the files are.
//!
//! The files are asked for their metadata and never opened: closing any descriptor of a database's file
//! drops the locks SQLite holds on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::observe::rss::resident_bytes;
use crate::subject::Subject;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
/// Intervals a round is cut into, as far as the bounds allow.
const INTERVALS: u32 = 20;

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// Waits for the write lock since the database was opened.
    pub busy_waits: u64,
    /// Resident memory of this process.
    pub rss_bytes: Option<u64>,
    /// Size of the `-wal`.
    pub wal_bytes: Option<u64>,
    /// Size of the database file.
    pub database_bytes: Option<u64>,
}

/// How long the intervals of a round are that takes about so long.
#[must_use]
pub fn interval(round: Duration) -> Duration {
    (round / INTERVALS).clamp(SHORTEST, LONGEST)
}

/// Runs a load and samples meanwhile: at its start, every interval, and at its end. Nothing is
/// sampled of a subject without a file.
///
/// # Errors
/// What the load gives; [`Error::Start`] if the sampling thread cannot be started.
pub fn during<T>(
    subject: &dyn Subject,
    every: Duration,
    workload: impl FnOnce() -> Result<T>,
) -> Result<(T, Vec<Sample>)> {
    let Some(file) = subject.file() else { return Ok((workload()?, Vec::new())) };
    let wal = wal_of(file);
    let look = || look(subject, file, &wal);
    let ended = AtomicBool::new(false);
    let mut samples = vec![look()];
    thread::scope(|scope| {
        let sampling = thread::Builder::new()
            .name("sampler".to_owned())
            .spawn_scoped(scope, || {
                let mut samples = Vec::new();
                let mut next = Instant::now() + every;
                while !ended.load(Ordering::Relaxed) {
                    thread::park_timeout(next.saturating_duration_since(Instant::now()));
                    if Instant::now() >= next {
                        samples.push(look());
                        next += every;
                    }
                }
                samples
            })
            .map_err(|source| Error::Start { what: "the sampler", source })?;
        // Also where the workload panics: the scope waits for the sampler.
        let end = OnDrop(|| {
            ended.store(true, Ordering::Relaxed);
            sampling.thread().unpark();
        });
        let result = workload();
        drop(end);
        samples.extend(sampling.join().map_err(|_| Error::Panicked { what: "the sampler" })?);
        samples.push(look());
        Ok((result?, samples))
    })
}

/// The `-wal` of a database.
#[must_use]
pub fn wal_of(database: &Path) -> PathBuf {
    let mut name = database.to_owned().into_os_string();
    name.push("-wal");
    name.into()
}

/// The size of a file that is not opened for it.
#[must_use]
pub fn size_of(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().map(|metadata| metadata.len())
}

fn look(subject: &dyn Subject, file: &Path, wal: &Path) -> Sample {
    Sample {
        at: subject.clock().now(),
        busy_waits: subject.counters().busy_waits,
        rss_bytes: resident_bytes(),
        wal_bytes: size_of(wal),
        database_bytes: size_of(file),
    }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
