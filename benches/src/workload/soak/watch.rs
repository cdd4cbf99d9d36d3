//! Looks at memory, files and depth beside the load, at equal intervals.
//!
//! Files are asked for their size and never opened: closing a descriptor of a database's file drops the
//! locks that SQLite holds on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::stage::Database;

/// How soon a watch ends once the load has.
const ATTENTION: Duration = Duration::from_millis(50);

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When, since the load began.
    pub at: Duration,
    /// Waits for the write lock since the database was opened.
    pub busy_waits: u64,
    /// Tasks ready, scheduled or leased.
    pub depth: u64,
    /// Resident memory of this process, where the system tells.
    pub rss_bytes: Option<u64>,
    /// Size of the `-wal`, if there is one.
    pub wal_bytes: Option<u64>,
    /// Size of the database file.
    pub database_bytes: Option<u64>,
}

/// Looks until it is told to stop, and once more then; `show` is told how often.
pub(super) fn watch(
    database: &Database,
    began: Instant,
    interval: Duration,
    stop: &AtomicBool,
    mut show: impl FnMut(usize),
) -> Result<Vec<Sample>> {
    let wal = wal_of(database.path());
    let mut samples = vec![look(database, &wal, began)?];
    let mut next = began + interval;
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now < next {
            thread::sleep((next - now).min(ATTENTION));
            continue;
        }
        samples.push(look(database, &wal, began)?);
        show(samples.len() - 1);
        next += interval;
    }
    samples.push(look(database, &wal, began)?);
    Ok(samples)
}

fn look(database: &Database, wal: &Path, began: Instant) -> Result<Sample> {
    let engine = database.engine();
    let census = engine.census().map_err(Error::engine("count its tasks"))?;
    let resident = memory_stats::memory_stats().map(|stats| stats.physical_mem);
    Ok(Sample {
        at: began.elapsed(),
        busy_waits: engine.counters().busy_waits,
        depth: census.ready + census.scheduled + census.leased,
        rss_bytes: resident.and_then(|bytes| u64::try_from(bytes).ok()),
        wal_bytes: length(wal),
        database_bytes: length(database.path()),
    })
}

fn wal_of(database: &Path) -> PathBuf {
    let mut name = database.to_owned().into_os_string();
    name.push("-wal");
    name.into()
}

fn length(file: &Path) -> Option<u64> {
    fs::metadata(file).ok().map(|metadata| metadata.len())
}
