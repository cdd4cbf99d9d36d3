//! How resident memory develops over the tasks that are done.

use prismq_record::Metric;

use super::resident_mib;
use crate::base::number::as_f64;
use crate::observe::metrics::{
    GROWTH_MIB, RSS_AFTER_MIB, RSS_BEFORE_MIB, RSS_PEAK_MIB, SLOPE_MIB_PER_1000_TASKS,
};

const UNREADABLE: &str = "the system does not report resident memory";

/// Readings of resident memory, each after some tasks.
#[derive(Debug)]
pub struct Trend {
    before: Option<f64>,
    after: Option<f64>,
    peak: Option<f64>,
    tasks: u64,
    /// Tasks done so far and memory in MiB, since the warm-up.
    steady: Vec<(f64, f64)>,
}

impl Trend {
    /// Takes the reading everything is compared with.
    #[must_use]
    pub fn begin() -> Self {
        let before = resident_mib();
        Self { before, after: before, peak: before, tasks: 0, steady: Vec::new() }
    }

    /// Takes a reading after this many further tasks.
    pub fn read(&mut self, tasks: usize) {
        self.tasks += u64::try_from(tasks).unwrap_or(u64::MAX);
        let now = resident_mib();
        self.after = now;
        self.steady.extend(now.map(|mib| (as_f64(self.tasks), mib)));
    }

    /// Takes note of a peak that was watched for.
    pub fn peak(&mut self, mib: Option<f64>) {
        self.peak = self.peak.zip(mib).map(|(known, mib)| known.max(mib));
    }

    /// Leaves what was read so far out of the slope: threads, allocator and caches now have what
    /// they take once. It still counts as growth.
    pub fn warmed_up(&mut self) {
        self.steady.clear();
    }

    /// The figures of the record.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        let known = |value: Option<f64>| value.ok_or_else(|| UNREADABLE.to_owned());
        let growth = self.after.zip(self.before).map(|(after, before)| after - before);
        let slope = slope(&self.steady)
            .map(|mib_per_task| 1000.0 * mib_per_task)
            .ok_or_else(|| "fewer than two readings after the warm-up".to_owned());
        vec![
            RSS_BEFORE_MIB.once(known(self.before)),
            RSS_AFTER_MIB.once(known(self.after)),
            RSS_PEAK_MIB.once(known(self.peak)),
            GROWTH_MIB.once(known(growth)),
            SLOPE_MIB_PER_1000_TASKS.once(slope),
        ]
    }
}

/// The slope of the least-squares line; `None` where no line is determined.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = as_f64(u64::try_from(points.len()).unwrap_or(u64::MAX));
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| together / spread)
}

/// A slope and where the true one lies with 95 % confidence, if readings stray independently.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The slope of the least-squares line.
    pub slope: f64,
    /// Lower end of its interval.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// Fewer readings say nothing of how they stray.
const READINGS_MIN: usize = 10;

/// The slope of the least-squares line with its interval; `None` of fewer than ten readings.
#[must_use]
pub fn slope_with_interval(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < READINGS_MIN {
        return None;
    }
    let slope = slope(points)?;
    let count = as_f64(u64::try_from(points.len()).unwrap_or(u64::MAX));
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let astray: f64 = points.iter().map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
    let error = 1.96 * (astray / (count - 2.0) / spread).sqrt();
    Some(Slope { slope, lower: slope - error, upper: slope + error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_leaves_no_doubt_and_noise_does() {
        let line: Vec<(f64, f64)> =
            (0..20_u32).map(|x| (f64::from(x), 3.0 * f64::from(x))).collect();
        let found = slope_with_interval(&line).unwrap();
        assert!((found.slope - 3.0).abs() < 1e-9 && found.upper - found.lower < 1e-6, "{found:?}");
        let noisy: Vec<(f64, f64)> =
            line.iter().map(|(x, y)| (*x, y + if x % 2.0 == 0.0 { 5.0 } else { -5.0 })).collect();
        let found = slope_with_interval(&noisy).unwrap();
        assert!(found.lower < 3.0 && 3.0 < found.upper && found.upper - found.lower > 0.5);
        assert_eq!(slope_with_interval(&line[..9]), None);
    }
}
