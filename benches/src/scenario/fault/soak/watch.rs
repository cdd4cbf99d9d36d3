//! Samples memory, files and depth during the load, at equal intervals.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::base::clock::{Time, now};
use crate::base::error::Result;
use crate::observe::rss::resident_bytes;
use crate::observe::sampler::{size_of, wal_of};
use crate::scenario::stage::Database;
use crate::subject::DEFAULT_QUEUE;

/// How soon a watch ends once the load has.
const ATTENTION: Duration = Duration::from_millis(50);

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When, since the load began.
    pub at: Duration,
    /// Waits for the write lock since the database was opened.
    pub busy_waits: u64,
    /// Tasks ready, scheduled or leased.
    pub depth: u64,
    /// Resident memory of this process, where the system reports it.
    pub rss_bytes: Option<u64>,
    /// Size of the `-wal`, if there is one.
    pub wal_bytes: Option<u64>,
    /// Size of the database file.
    pub database_bytes: Option<u64>,
}

/// Samples until it is stopped, and once more then.
pub(super) fn watch(
    database: &Database,
    began: Time,
    interval: Duration,
    stop: &AtomicBool,
) -> Result<Vec<Sample>> {
    let wal = wal_of(database.path());
    let mut samples = vec![sample(database, &wal, began)?];
    let mut next = began + interval;
    while !stop.load(Ordering::Relaxed) {
        let at = now();
        if at < next {
            thread::sleep(next.since(at).min(ATTENTION));
            continue;
        }
        samples.push(sample(database, &wal, began)?);
        next = next + interval;
    }
    samples.push(sample(database, &wal, began)?);
    Ok(samples)
}

fn sample(database: &Database, wal: &Path, began: Time) -> Result<Sample> {
    let subject = database.subject();
    let census = subject.census(DEFAULT_QUEUE)?;
    Ok(Sample {
        at: now().since(began),
        busy_waits: subject.counters().busy_waits,
        depth: census.ready + census.scheduled + census.leased,
        rss_bytes: resident_bytes(),
        wal_bytes: size_of(wal),
        database_bytes: size_of(database.path()),
    })
}
