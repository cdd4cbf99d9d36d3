//! From when on a load is in a steady state, and whether it ever is.
//!
//! That a beginning was left out does not make a load steady (Barrett et al., *Virtual Machine Warmup Blows
//! Hot and Cold*, 2017): a pool that starts behind a queue of tasks takes as long as its load lets it to
//! catch up. The measured part is cut into windows, and the median latencies of its first third are compared with
//! those of its last. Where they have moved, the measured part begins a window later, as often as it may.

use prismq_record::Metric;
use prismq_statistics as statistics;

use crate::observe::metrics::{LATENCIES, median};
use crate::observe::task_times::TaskTrace;

/// Windows of a measured part: five in each third, the fewest that a rank test can distinguish.
const WINDOWS: usize = 15;
/// The chance of error with which latencies are said to have moved.
const ERROR: f64 = 0.01;
/// The smallest move that matters, as a share of the latency ...
const MOVE_MIN: f64 = 0.25;
/// ... and in seconds.
const MOVE_MIN_S: f64 = 1e-4;

/// Where the measured part of a load begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SteadyPart {
    /// How many tasks were left out before it.
    pub from: usize,
    /// Whether latencies were steady in it; `None` where there are too few tasks.
    pub steady: Option<bool>,
}

/// Looks for the first beginning of `tasks` steady ones, after `warm_up` tasks at least and `settle` more at
/// most. The last such beginning counts where there is none.
#[must_use]
pub fn steady_part(
    traces: &[TaskTrace],
    warm_up: usize,
    settle: usize,
    tasks: usize,
) -> SteadyPart {
    let window = (tasks / WINDOWS).max(1);
    let mut from = warm_up;
    loop {
        let steady = is_steady(traces.get(from..from + tasks).unwrap_or_default());
        if steady != Some(false) || from + window > warm_up + settle {
            return SteadyPart { from, steady };
        }
        from += window;
    }
}

/// Whether the latencies of tasks, in the order they were meant to arrive, are steady.
fn is_steady(traces: &[TaskTrace]) -> Option<bool> {
    let window = traces.len() / WINDOWS;
    if window == 0 {
        return None;
    }
    let latency = |traces: &[TaskTrace]| {
        let times = traces.iter().filter_map(TaskTrace::end_to_end);
        median(&times.map(|time| time.as_secs_f64()).collect::<Vec<_>>())
    };
    let latencies: Vec<f64> = traces.chunks_exact(window).filter_map(latency).collect();
    let drift = statistics::drift(&latencies)?;
    let before = median(latencies.get(..latencies.len() / 3)?)?;
    let moved = drift.change.abs() >= MOVE_MIN && (drift.change * before).abs() >= MOVE_MIN_S;
    Some(!(drift.p < ERROR && moved))
}

/// Why a load has no latency of its own, if it has none: most of its rounds never were in a steady state.
#[must_use]
pub fn never_steady(rounds: &[bool]) -> Option<String> {
    let unsteady = rounds.iter().filter(|steady| !**steady).count();
    (2 * unsteady > rounds.len()).then(|| {
        format!(
            "not steady: latencies still moved in {unsteady} of {} rounds after the longest warm-up",
            rounds.len()
        )
    })
}

/// Withholds what would be other figures after a longer warm-up.
pub fn withhold(metrics: &mut [Metric], reason: &str) {
    let moved = |metric: &&mut Metric| LATENCIES.iter().any(|spec| spec.name == metric.name);
    for metric in metrics.iter_mut().filter(moved) {
        metric.value = None;
        metric.reason = Some(reason.to_owned());
        metric.samples.clear();
        metric.interval = None;
    }
}
