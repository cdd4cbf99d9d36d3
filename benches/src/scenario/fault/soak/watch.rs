//! Looks at memory, files and depth beside the load, at equal intervals.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::observe::rss::resident_bytes;
use crate::observe::sampler::{size_of, wal_of};
use crate::scenario::stage::Database;

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

/// Looks until it is stopped, and once more then.
pub(super) fn watch(
    database: &Database,
    began: Instant,
    interval: Duration,
    stop: &AtomicBool,
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
        next += interval;
    }
    samples.push(look(database, &wal, began)?);
    Ok(samples)
}

fn look(database: &Database, wal: &Path, began: Instant) -> Result<Sample> {
    let engine = database.engine();
    let census = engine.census().map_err(Error::engine("count its tasks"))?;
    Ok(Sample {
        at: began.elapsed(),
        busy_waits: engine.counters().busy_waits,
        depth: census.ready + census.scheduled + census.leased,
        rss_bytes: resident_bytes(),
        wal_bytes: size_of(wal),
        database_bytes: size_of(database.path()),
    })
}
