//! How long the disk takes to keep what it is given: an append of a page, waited for.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};

/// Bytes of an append: a page of a database.
pub const APPEND_BYTES: usize = 4096;
/// Appends whose median is one reading.
pub const APPENDS: usize = 100;

/// The times of this many appends to a new file, each followed by `fdatasync`.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn appends(bench_dir: &BenchDir, count: usize) -> Result<Vec<Duration>> {
    let directory = bench_dir.fresh()?;
    let path = directory.path().join("append");
    let mut file = File::create(&path).map_err(Error::io("create", &path))?;
    let page = [0x5a; APPEND_BYTES];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        file.write_all(&page).map_err(Error::io("write to", &path))?;
        // `fdatasync` where the system has it.
        file.sync_data().map_err(Error::io("sync", &path))?;
        times.push(started.elapsed());
    }
    Ok(times)
}

/// The same as a distribution, in nanoseconds.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn distribution(bench_dir: &BenchDir, count: usize) -> Result<Histogram<u64>> {
    let mut times = empty("sync")?;
    appends(bench_dir, count)?.into_iter().for_each(|time| add(&mut times, time));
    Ok(times)
}

/// How many such appends a second the disk keeps right now: the inverse of their median time.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn syncs_per_s(bench_dir: &BenchDir) -> Result<f64> {
    Ok(1.0 / sync_time(bench_dir)?.as_secs_f64())
}

/// The median time the disk takes to keep a page right now.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn sync_time(bench_dir: &BenchDir) -> Result<Duration> {
    let mut times = appends(bench_dir, APPENDS)?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}
