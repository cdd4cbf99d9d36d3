//! What an order made of a workload's tasks: how long each priority waited, how even that is, who was
//! passed over, and whether claims were shared as their weights say.

use std::collections::BTreeMap;
use std::time::Duration;

use prismq_statistics::{gini, jain};

use crate::base::clock::Time;
use crate::base::number::as_f64;
use crate::scenario::workload::Followed;

/// The waits and claims of one priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// The waits of its tasks in seconds, sorted.
    pub waits: Vec<f64>,
    /// Share of all claims.
    pub share: f64,
    /// Share it would have had if each claim had chosen by weight among the tasks ready then.
    pub share_by_weight: f64,
}

/// The fairness among all tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Fairness {
    /// By priority.
    pub classes: BTreeMap<i32, Class>,
    /// Jain's index of all waits: 1 if all are equal, 1/n if one task waited for all.
    pub jain: Option<f64>,
    /// Gini's coefficient of all waits: 0 if all are equal.
    pub gini: Option<f64>,
    /// Share of tasks that waited longer than a bound.
    pub starved: f64,
    /// The most places by which a task was run earlier or later than it arrived.
    pub reordered_max: u64,
}

impl Class {
    /// The wait below which a share of its tasks lies, in seconds; `None` without tasks.
    #[must_use]
    pub fn wait(&self, quantile: f64) -> Option<f64> {
        let last = self.waits.len().checked_sub(1)?;
        let place = as_f64(u64::try_from(last).unwrap_or(u64::MAX)) * quantile;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the last"
        )]
        let place = place.round() as usize;
        self.waits.get(place).copied()
    }
}

/// A task that was run.
struct Begun {
    priority: i32,
    committed: Time,
    started: Time,
}

/// Judges the tasks that were run; one that waited longer than `bound` starves.
#[must_use]
pub fn fairness(tasks: &[Followed], bound: Duration) -> Fairness {
    let mut runs: Vec<Begun> = tasks
        .iter()
        .filter_map(|task| {
            let (priority, committed) = (task.planned.priority, task.trace.arrival.committed);
            Some(Begun { priority, committed, started: task.trace.run?.started.max(committed) })
        })
        .collect();
    runs.sort_by_key(|run| run.committed);
    let mut classes: BTreeMap<i32, Class> = BTreeMap::new();
    for run in &runs {
        let class = classes.entry(run.priority).or_insert_with(|| Class {
            waits: Vec::new(),
            share: 0.0,
            share_by_weight: 0.0,
        });
        class.waits.push(run.started.since(run.committed).as_secs_f64());
    }
    let waits: Vec<f64> = classes.values().flat_map(|class| class.waits.clone()).collect();
    let count = |count: usize| as_f64(u64::try_from(count).unwrap_or(u64::MAX));
    let starved = waits.iter().filter(|wait| **wait > bound.as_secs_f64()).count();
    let by_weight = shares_by_weight(&runs);
    for (priority, class) in &mut classes {
        class.waits.sort_by(f64::total_cmp);
        class.share = count(class.waits.len()) / count(runs.len());
        class.share_by_weight = by_weight.get(priority).copied().unwrap_or_default();
    }
    Fairness {
        classes,
        jain: jain(&waits),
        gini: gini(&waits),
        starved: if waits.is_empty() { 0.0 } else { count(starved) / count(waits.len()) },
        reordered_max: reordered_max(&runs),
    }
}

/// What each priority's share of the claims would be expected to be, from the tasks that were ready at
/// each claim while several priorities were: weights are those of the order `WeightedRandom`.
fn shares_by_weight(runs: &[Begun]) -> BTreeMap<i32, f64> {
    // 1: ready, by commit; 0: taken, by start. At one instant a task becomes ready before it is taken.
    let mut steps: Vec<(Time, bool, i32)> = runs
        .iter()
        .flat_map(|run| [(run.committed, false, run.priority), (run.started, true, run.priority)])
        .collect();
    steps.sort_by_key(|(at, taken, _)| (*at, *taken));
    let mut ready: BTreeMap<i32, u64> = BTreeMap::new();
    let mut expected: BTreeMap<i32, f64> = BTreeMap::new();
    let mut claims = 0_u64;
    for (_, taken, priority) in steps {
        if !taken {
            *ready.entry(priority).or_default() += 1;
            continue;
        }
        let weight = |priority: i32, tasks: u64| as_f64(tasks) / (1.0 + f64::from(priority.max(0)));
        let all: f64 = ready.iter().map(|(priority, tasks)| weight(*priority, *tasks)).sum();
        if all > 0.0 {
            for (priority, tasks) in &ready {
                *expected.entry(*priority).or_default() += weight(*priority, *tasks) / all;
            }
            claims += 1;
        }
        if let Some(tasks) = ready.get_mut(&priority) {
            *tasks = tasks.saturating_sub(1);
        }
    }
    for share in expected.values_mut() {
        *share /= as_f64(claims.max(1));
    }
    expected
}

/// `runs` are in the order in which they came.
fn reordered_max(runs: &[Begun]) -> u64 {
    let mut by_start: Vec<usize> = (0..runs.len()).collect();
    by_start.sort_by_key(|place| runs.get(*place).map(|run| run.started));
    let moved = by_start.iter().enumerate().map(|(now, before)| now.abs_diff(*before));
    moved.max().map_or(0, |places| u64::try_from(places).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::now;
    use crate::load::plan::PlannedTask;
    use crate::observe::task_times::TaskTrace;
    use crate::subject::{Arrival, Run};

    fn followed(from: Time, priority: i32, committed_ms: u64, started_ms: u64) -> Followed {
        let at = |ms| from + Duration::from_millis(ms);
        let planned = PlannedTask {
            at: Duration::ZERO,
            kind: 0,
            priority,
            payload_bytes: 0,
            service: Duration::ZERO,
            failures: 0,
            max_attempts: 1,
        };
        let arrival = Arrival {
            number: 0,
            id: 0,
            intended: at(committed_ms),
            free: at(committed_ms),
            called: at(committed_ms),
            committed: at(committed_ms),
        };
        let started = at(started_ms);
        let run = Run { id: 0, started, ended: started, worked: Duration::ZERO };
        Followed { planned, trace: TaskTrace { arrival, run: Some(run), completed: None } }
    }

    #[test]
    fn the_last_that_came_and_was_run_first_moved_farthest() {
        let from = now();
        let tasks = [(0, 30), (1, 20), (2, 10)].map(|(came, ran)| followed(from, 100, came, ran));
        let found = fairness(&tasks, Duration::from_millis(15));
        assert_eq!(found.reordered_max, 2);
        assert!((found.starved - 2.0 / 3.0).abs() < 1e-9, "waits are 30, 19 and 8 ms");
    }

    #[test]
    fn shares_by_weight_are_those_of_what_was_ready() {
        let from = now();
        // At the first claim one of each is ready, with weights 1/2 and 1/100; at the second only one.
        let tasks = [followed(from, 1, 0, 10), followed(from, 99, 0, 20)];
        let found = fairness(&tasks, Duration::from_secs(1));
        let expected = (0.5 / 0.51 + 0.0) / 2.0;
        let class = found.classes.get(&1).unwrap();
        assert!((class.share_by_weight - expected).abs() < 1e-9, "{class:?}");
        assert!((class.share - 0.5).abs() < 1e-9);
        assert_eq!(class.wait(0.5), Some(0.01));
    }
}
