//! What changes from minute to minute: how busy the machine is, and how fast its disk.

use std::thread;
use std::time::{Duration, Instant};

use prismq_record::{Conditions, Known};

use super::files::text;
use crate::base::bench_dir::BenchDir;
use crate::base::number::as_f64;
use crate::reference::disk;

const LOADAVG: &str = "/proc/loadavg";
const STAT: &str = "/proc/stat";
/// How long others are watched.
const WATCHED: Duration = Duration::from_millis(100);
/// Enough for a 99th percentile that is not merely the longest.
const SYNCS: usize = 500;
const SYNCS_AT_ONCE: usize = 50;
/// A slow disk is asked less often.
const PATIENCE: Duration = Duration::from_millis(500);
/// Fewer say nothing of a 99th percentile.
const SYNCS_MIN: usize = 100;
/// Places of the fields in the first line of `/proc/stat` (`man 5 proc`): idle, waiting for a disk, steal,
/// and those that are counted in others already.
const IDLE: usize = 3;
const IO_WAIT: usize = 4;
const STEAL: usize = 7;
const GUEST: usize = 8;

/// Takes the conditions now. The disk is asked with a file of its own next to the databases, never with
/// one of them.
#[must_use]
pub fn conditions(bench_dir: &BenchDir) -> Conditions {
    // Before the disk is asked, which is a load too.
    let load_average = text(LOADAVG).and_then(|text| load_average(&text)).into();
    let earlier = text(STAT);
    thread::sleep(WATCHED);
    let busy_percent = earlier.and_then(|earlier| busy_percent(&earlier, &text(STAT)?)).into();
    let (sync_p50_us, sync_p99_us) = match sync_times(bench_dir) {
        Ok(times) => (percentile(&times, 0.50, 1), percentile(&times, 0.99, SYNCS_MIN)),
        Err(reason) => (Known::unknown(reason.clone()), Known::unknown(reason)),
    };
    Conditions {
        load_average,
        busy_percent,
        steal_percent: text(STAT).and_then(|text| steal_percent(&text)).into(),
        sync_p50_us,
        sync_p99_us,
    }
}

/// Sorted.
fn sync_times(bench_dir: &BenchDir) -> Result<Vec<Duration>, String> {
    let started = Instant::now();
    let mut times = Vec::with_capacity(SYNCS);
    while times.len() < SYNCS && started.elapsed() < PATIENCE {
        let some = disk::appends(bench_dir, SYNCS_AT_ONCE).map_err(|error| error.to_string())?;
        times.extend(some);
    }
    times.sort_unstable();
    Ok(times)
}

/// Of sorted times, in microseconds, if there are at least this many.
fn percentile(sorted: &[Duration], quantile: f64, min: usize) -> Known<f64> {
    if sorted.len() < min {
        return Known::unknown(format!("{} syncs in {PATIENCE:?}, too few", sorted.len()));
    }
    let count = as_f64(u64::try_from(sorted.len()).unwrap_or(u64::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the length"
    )]
    let rank = (count * quantile).ceil() as usize;
    match sorted.get(rank.saturating_sub(1)) {
        Some(time) => Known::value(time.as_secs_f64() * 1e6),
        None => Known::unknown("nothing was measured"),
    }
}

fn load_average(loadavg: &str) -> Result<f64, String> {
    let first = loadavg.split(' ').next().and_then(|load| load.parse::<f64>().ok());
    first.filter(|load| load.is_finite()).ok_or_else(|| format!("{LOADAVG} says {loadavg:?}"))
}

/// Of the time between two looks.
fn busy_percent(earlier: &str, later: &str) -> Result<f64, String> {
    let (earlier, later) = (times(earlier)?, times(later)?);
    let spent = later.iter().zip(&earlier).map(|(later, earlier)| later.saturating_sub(*earlier));
    let spent: Vec<u64> = spent.take(GUEST).collect();
    let total: u64 = spent.iter().sum();
    let idle: u64 = [IDLE, IO_WAIT].iter().filter_map(|place| spent.get(*place)).sum();
    if total == 0 {
        return Err(format!("{STAT} counted no time in {WATCHED:?}"));
    }
    Ok(100.0 * as_f64(total - idle) / as_f64(total))
}

fn times(stat: &str) -> Result<Vec<u64>, String> {
    let all = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    let all = all.ok_or_else(|| format!("{STAT} has no line \"cpu\""))?;
    Ok(all.split_whitespace().map_while(|time| time.parse().ok()).collect())
}

/// Since the machine started.
fn steal_percent(stat: &str) -> Result<f64, String> {
    let times = times(stat)?;
    let steal = *times.get(STEAL).ok_or_else(|| format!("{STAT} has no field for steal"))?;
    let total: u64 = times.iter().take(GUEST).sum();
    if total == 0 {
        return Err(format!("{STAT} counts no time"));
    }
    Ok(100.0 * as_f64(steal) / as_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_that_of_the_last_minute() {
        assert_eq!(load_average("0.52 1.40 2.33 1/345 6789\n"), Ok(0.52));
        assert!(load_average("").is_err());
        assert!(load_average("nan 0 0").is_err());
    }

    #[test]
    fn others_are_busy_for_what_is_not_idle_of_the_time_between_two_looks() {
        let earlier = "cpu  50 0 30 1000 5 0 0 10 40 0\n";
        let later = "cpu  60 0 35 1070 10 0 5 15 90 0\n";
        assert_eq!(busy_percent(earlier, later), Ok(25.0));
        assert!(busy_percent(later, later).is_err(), "no time has passed");
    }

    #[test]
    fn steal_is_a_share_of_all_time_and_guests_are_not_counted_twice() {
        let stat = "cpu  50 0 30 10 0 0 0 10 40 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n";
        assert_eq!(steal_percent(stat), Ok(10.0));
        assert!(steal_percent("cpu  1 2 3 4\n").is_err(), "an old kernel");
        assert!(steal_percent("cpu  0 0 0 0 0 0 0 0 0 0\n").is_err());
        assert!(steal_percent("intr 5\n").is_err());
    }

    #[test]
    fn percentiles_of_too_few_syncs_are_unknown() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&times, 0.50, 1).value, Some(100.0));
        assert_eq!(percentile(&times, 0.99, 100).value, Some(198.0));
        assert_eq!(percentile(&[], 0.50, 1).value, None);
        assert!(percentile(&times, 0.99, 201).reason.is_some());
    }

    #[test]
    fn the_disk_is_asked_without_a_trace() {
        let directory = tempfile::tempdir().unwrap();
        let taken = conditions(&BenchDir::at(directory.path()));
        assert!(taken.sync_p50_us.value.is_some_and(|us| us > 0.0), "{taken:?}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
