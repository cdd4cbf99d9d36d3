//! How long syncs take: of a page, of a page that is written so that it needs none, and of many.

use std::fs::File;
use std::io::{IoSlice, Write as _};
use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _};
use rustix::io::{ReadWriteFlags, pwritev2};

use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::reference::disk;

/// Pages whose median is a figure.
const PAGES: u64 = 50;
/// Large enough that its transfer takes half a millisecond on the fastest of disks.
const BULK_BYTES: usize = 16 << 20;
const BULKS: usize = 3;

/// Medians.
#[derive(Debug)]
pub(super) struct Timing {
    /// A page appended and synced.
    pub(super) append: Duration,
    /// A page appended by a write that returns when it is kept; none where the system has no such.
    pub(super) waiting_write: Option<Duration>,
    /// This many bytes and how long their sync took, without their write.
    pub(super) bulk: Option<(f64, Duration)>,
}

pub(super) fn median_append(bench_dir: &BenchDir) -> Result<Duration> {
    let pages = usize::try_from(PAGES).unwrap_or_default();
    Ok(median(disk::appends(bench_dir, pages)?).unwrap_or_default())
}

pub(super) fn compare(bench_dir: &BenchDir, append: Duration) -> Timing {
    Timing {
        append,
        waiting_write: waiting_writes(bench_dir).ok().and_then(median),
        bulk: bulks(bench_dir).ok().and_then(median).map(|took| (BULK_BYTES as f64, took)),
    }
}

fn waiting_writes(bench_dir: &BenchDir) -> Result<Vec<Duration>> {
    let directory = bench_dir.fresh()?;
    let path = directory.path().join("append");
    let file = File::create(&path).map_err(Error::io("create", &path))?;
    let page = [0x5a; disk::APPEND_BYTES];
    let write = |number: u64| {
        let started = Instant::now();
        let at = number * disk::APPEND_BYTES as u64;
        pwritev2(&file, &[IoSlice::new(&page)], at, ReadWriteFlags::DSYNC)
            .map_err(|error| Error::io("write to", &path)(error.into()))?;
        Ok(started.elapsed())
    };
    (0..PAGES).map(write).collect()
}

/// Random bytes, which no filesystem makes fewer.
fn bulks(bench_dir: &BenchDir) -> Result<Vec<Duration>> {
    let directory = bench_dir.fresh()?;
    let path = directory.path().join("append");
    let mut file = File::create(&path).map_err(Error::io("create", &path))?;
    let mut bytes = vec![0; BULK_BYTES];
    let mut rng = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(0);
    let sync = |_| {
        rng.fill_bytes(&mut bytes);
        file.write_all(&bytes).map_err(Error::io("write to", &path))?;
        let started = Instant::now();
        file.sync_data().map_err(Error::io("sync", &path))?;
        Ok(started.elapsed())
    };
    (0..BULKS).map(sync).collect()
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}
