//! How long the disk takes to keep what it is given: an append of a page, waited for.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::bench_dir::BenchDir;
use crate::error::{Error, Result};

/// Bytes of an append: a page of a database.
pub const APPEND_BYTES: usize = 4096;

/// The times of so many appends to a new file, each followed by `fdatasync`.
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
