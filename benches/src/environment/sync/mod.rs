//! Whether a sync waits for the disk.
//!
//! A library may turn it into nothing, a mount option or a cache keep it from reaching the medium. Most
//! disks take far longer than 20 µs to keep a page; a sync that does not is examined. Two things show
//! that it does not wait, regardless of the cause: a write that is to be on the disk when it
//! returns (`RWF_DSYNC`), which takes another way through the kernel, takes as long as a disk takes; or a
//! sync of many megabytes is faster than any disk could write them.

mod device;
mod preload;
mod timing;

use std::env;
use std::time::Duration;

use prismq_record::{SyncCheck, SyncFinding};

use super::mounts::mount_of;
use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use timing::Timing;

/// The variable by which a user vouches for a disk.
pub const VARIABLE: &str = "PRISMQ_TRUST_SYNC";

/// A sync of a page below it is examined. Measured medians of disks without a power-safe cache are some
/// 100 µs to 10 ms, of those with one some 20 µs to 100 µs.
const EXAMINED: Duration = Duration::from_micros(20);
/// How many times as long a write takes that waits by itself, where a sync does not wait.
const DISAGREEMENT: u32 = 5;
/// Bytes a second that no single disk writes: a device on eight lanes of PCIe 5 has 32e9.
const NO_DISK_WRITES: f64 = 32e9;

/// Whether the user vouches for the disk.
///
/// # Errors
/// [`Error::Setting`] if the variable is set to anything but `yes`.
pub fn trusted() -> Result<bool> {
    match env::var_os(VARIABLE) {
        None => Ok(false),
        Some(value) if value == "yes" => Ok(true),
        Some(value) => Err(Error::Setting {
            variable: VARIABLE,
            value: value.to_string_lossy().into_owned(),
            allowed: "yes",
        }),
    }
}

/// Finds out whether a sync waits on the filesystem of the databases.
///
/// # Errors
/// [`Error::Setting`] of [`trusted`].
pub fn check(bench_dir: &BenchDir) -> Result<SyncCheck> {
    let trusted = trusted()?;
    if bench_dir.filesystem().1 {
        let reasons = vec!["the filesystem keeps its data in memory".to_owned()];
        return Ok(SyncCheck { finding: SyncFinding::Unknown, reasons, trusted });
    }
    let mount = mount_of(bench_dir.existing()).ok();
    let options = mount.as_ref().map_or("", |mount| mount.options.as_str());
    let device = device::below(bench_dir.existing());
    let facts = Facts {
        weakened: device::weakened(options, device.as_ref()),
        write_cache: device.and_then(|device| device.write_cache),
        preloaded: preload::libraries(),
    };
    let (finding, reasons) = match timing::median_append(bench_dir) {
        Ok(append) if append < EXAMINED => {
            decide(&facts, Some(&timing::compare(bench_dir, append)))
        }
        Ok(_) => decide(&facts, None),
        Err(error) => (SyncFinding::Unknown, vec![error.to_string()]),
    };
    Ok(SyncCheck { finding, reasons, trusted })
}

/// What is known without timing anything.
#[derive(Debug, Default)]
struct Facts {
    /// Why a sync cannot be durable here, if it cannot.
    weakened: Option<String>,
    /// What the device says of its cache: `write back` or `write through`.
    write_cache: Option<String>,
    /// Libraries that were loaded before the program's own.
    preloaded: Vec<String>,
}

/// `timing` is given where a sync was fast enough to be examined.
fn decide(facts: &Facts, timing: Option<&Timing>) -> (SyncFinding, Vec<String>) {
    let mut shown: Vec<String> = facts.weakened.iter().cloned().collect();
    let mut known = Vec::new();
    if let Some(timing) = timing {
        shown.extend(timing.shows());
        known.push(format!("a sync of a page took {:.1} µs", us(timing.append)));
        if !facts.preloaded.is_empty() {
            known.push(format!("preloaded: {}", facts.preloaded.join(", ")));
        }
        if let Some(cache) = &facts.write_cache {
            known.push(format!("the device's write cache is {cache}"));
        }
    }
    let finding = match (shown.is_empty(), timing.is_some()) {
        (false, _) => SyncFinding::DoesNotWait,
        (true, true) => SyncFinding::Doubtful,
        (true, false) => SyncFinding::Waits,
    };
    shown.extend(known);
    (finding, shown)
}

impl Timing {
    /// Why it is certain that a sync does not wait, if it is.
    fn shows(&self) -> Vec<String> {
        let mut shown = Vec::new();
        if let Some(waiting) = self.waiting_write
            && waiting >= EXAMINED
            && waiting >= self.append * DISAGREEMENT
        {
            shown.push(format!(
                "a write of a page that waits by itself took {:.1} µs, one with a sync {:.1} µs",
                us(waiting),
                us(self.append)
            ));
        }
        if let Some((bytes, took)) = self.bulk
            && bytes / took.as_secs_f64().max(1e-9) > NO_DISK_WRITES
        {
            shown.push(format!(
                "a sync of {:.0} MB took {:.1} µs, which no disk can do",
                bytes / 1e6,
                us(took)
            ));
        }
        shown
    }
}

fn us(time: Duration) -> f64 {
    1e6 * time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(append_us: u64, waiting_us: Option<u64>, bulk_us: u64) -> Timing {
        Timing {
            append: Duration::from_micros(append_us),
            waiting_write: waiting_us.map(Duration::from_micros),
            bulk: Some((16e6, Duration::from_micros(bulk_us))),
        }
    }

    #[test]
    fn a_slow_sync_on_a_sound_mount_waits() {
        assert_eq!(decide(&Facts::default(), None), (SyncFinding::Waits, Vec::new()));
    }

    #[test]
    fn a_sync_that_disagrees_with_a_waiting_write_does_not_wait() {
        let (finding, reasons) = decide(&Facts::default(), Some(&timing(4, Some(150), 2_000)));
        assert_eq!(finding, SyncFinding::DoesNotWait);
        assert!(reasons[0].contains("waits by itself took 150.0 µs, one with a sync 4.0 µs"));
        // Both are slow, or both are fast.
        for waiting in [15, 21] {
            let (finding, _) = decide(&Facts::default(), Some(&timing(10, Some(waiting), 2_000)));
            assert_eq!(finding, SyncFinding::Doubtful, "{waiting}");
        }
    }

    #[test]
    fn a_sync_that_takes_no_longer_for_more_does_not_wait() {
        let (finding, reasons) = decide(&Facts::default(), Some(&timing(1, None, 3)));
        assert_eq!(finding, SyncFinding::DoesNotWait);
        assert!(reasons[0].contains("a sync of 16 MB took 3.0 µs"), "{reasons:?}");
    }

    #[test]
    fn a_fast_disk_is_doubtful_and_says_what_is_known_of_it() {
        let facts = Facts {
            write_cache: Some("write through".to_owned()),
            preloaded: vec!["libjemalloc.so".to_owned()],
            ..Facts::default()
        };
        let (finding, reasons) = decide(&facts, Some(&timing(12, Some(14), 4_000)));
        assert_eq!(finding, SyncFinding::Doubtful);
        assert_eq!(
            reasons.join("; "),
            "a sync of a page took 12.0 µs; preloaded: libjemalloc.so; the device's write cache is \
             write through"
        );
    }

    #[test]
    fn a_mount_that_keeps_syncs_from_the_medium_is_enough() {
        let facts = Facts { weakened: Some("it is volatile".to_owned()), ..Facts::default() };
        assert_eq!(decide(&facts, None).0, SyncFinding::DoesNotWait);
    }

    #[test]
    fn this_machine_is_examined_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let bench_dir = BenchDir::at(folder.path());
        let append = timing::median_append(&bench_dir).unwrap();
        let timing = timing::compare(&bench_dir, append);
        assert!(timing.bulk.is_some(), "{timing:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
