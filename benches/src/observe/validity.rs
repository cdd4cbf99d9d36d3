//! Whether a load was what it claims to be: the generator on time, the rate offered, samples enough for
//! the percentile, the beginning like the end. What is not makes figures invalid or doubtful.

use std::time::Duration;

use hdrhistogram::Histogram;
use prismq_statistics as statistics;

use crate::base::number::as_f64;
use crate::observe::metrics::median;
use crate::observe::task_times::TaskTrace;

/// Callers that offer less than this share of the rate, all rounds together, have made another load.
const OFFERED_MIN: f64 = 0.8;
/// A round below this share was held up.
const OFFERED_DOUBTFUL: f64 = 0.95;
/// How late a thread of a busy system may be woken without anybody being to blame.
const WAKE_BOUND: Duration = Duration::from_millis(1);
/// Which share of the latency that is claimed may be the generator's own lateness.
const LAG_SHARE: f64 = 0.5;
/// The confidence that a percentile must reach.
const CONFIDENCE: f64 = 0.95;
/// Relative change from the first to the last third from which on there is a drift, where it is not
/// below a tenth of a millisecond.
const DRIFT: f64 = 0.25;
const DRIFT_MIN_S: f64 = 1e-4;
/// Share of rounds that must have moved the same way.
const DRIFT_AGREEMENT: f64 = 0.9;

/// How many samples a percentile needs: with that many, the longest of them lies above it with 95 %
/// confidence. 299 for the 99th.
#[must_use]
pub fn samples_needed(quantile: f64) -> u64 {
    statistics::samples_needed(quantile, CONFIDENCE).unwrap_or(u64::MAX)
}

/// Why a percentile of this distribution cannot be claimed, if it cannot.
#[must_use]
pub fn too_few(name: &str, histogram: &Histogram<u64>, quantile: f64) -> Option<String> {
    let (found, needed) = (histogram.len(), samples_needed(quantile));
    (found < needed).then(|| {
        format!("{found} samples of {name}; its {} % percentile needs {needed}", quantile * 100.0)
    })
}

/// Why the generator is not to be trusted, if it is not: its callers were late on their own account.
/// The bound is half of the latency claimed, and no less than a millisecond.
#[must_use]
pub fn lagging(lag: &Histogram<u64>, end_to_end: &Histogram<u64>) -> Option<String> {
    let p99 = |histogram: &Histogram<u64>| {
        Duration::from_nanos(histogram.value_at_quantile(0.99)).as_secs_f64()
    };
    let (lag, claimed) = (p99(lag), p99(end_to_end));
    let bound = (LAG_SHARE * claimed).max(WAKE_BOUND.as_secs_f64());
    (lag > bound).then(|| {
        format!(
            "the generator itself was {:.2} ms late (p99); the limit is {:.2} ms",
            1e3 * lag,
            1e3 * bound
        )
    })
}

/// Why the load was another than meant, if it was, from the share of the rate that each round offered.
#[must_use]
pub fn under_offered(achieved: &[f64]) -> Option<String> {
    let mean = achieved.iter().sum::<f64>() / as_f64(u64::try_from(achieved.len()).ok()?);
    (mean < OFFERED_MIN)
        .then(|| format!("the callers offered {:.0} % of the intended rate", 100.0 * mean))
}

/// Whether rounds were held up: a warning for the record. Latencies include it, as they count from when
/// tasks were meant to come.
#[must_use]
pub fn held_up(achieved: &[f64]) -> Option<String> {
    let rounds = achieved.iter().filter(|share| **share < OFFERED_DOUBTFUL).count();
    let worst = achieved.iter().copied().reduce(f64::min)?;
    (rounds > 0).then(|| {
        format!(
            "the callers were held up in {rounds} of {} rounds and offered {:.0} % of the intended rate in \
             the worst",
            achieved.len(),
            100.0 * worst
        )
    })
}

/// The median latency of a round's first and last thirds, in seconds.
#[must_use]
pub fn thirds(traces: &[TaskTrace]) -> Option<(f64, f64)> {
    let third = traces.len() / 3;
    let of = |traces: &[TaskTrace]| {
        let times = traces.iter().filter_map(TaskTrace::end_to_end);
        median(&times.map(|time| time.as_secs_f64()).collect::<Vec<_>>())
    };
    Some((of(traces.get(..third)?)?, of(traces.get(traces.len() - third..)?)?))
}

/// Whether rounds did not stay as they began: a warning for the record.
#[must_use]
pub fn drift(thirds: &[(f64, f64)]) -> Option<String> {
    let first = median(&thirds.iter().map(|(first, _)| *first).collect::<Vec<_>>())?;
    let last = median(&thirds.iter().map(|(_, last)| *last).collect::<Vec<_>>())?;
    let count = |way: fn(&&(f64, f64)) -> bool| {
        as_f64(u64::try_from(thirds.iter().filter(way).count()).unwrap_or(u64::MAX))
    };
    let rounds = as_f64(u64::try_from(thirds.len()).unwrap_or(u64::MAX));
    let agreeing = count(|(first, last)| last > first).max(count(|(first, last)| last < first));
    let moved = (last - first).abs();
    (moved > DRIFT_MIN_S && moved > DRIFT * first && agreeing >= DRIFT_AGREEMENT * rounds).then(
        || {
            format!(
                "not steady: the median latency was {:.2} ms in the first third of a round and {:.2} ms in \
                 the last",
                1e3 * first,
                1e3 * last
            )
        },
    )
}
