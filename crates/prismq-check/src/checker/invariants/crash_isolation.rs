//! A task that kills its process takes no other with it: of the tasks next to it, none loses more than one
//! attempt by such deaths, and none becomes a dead letter of them. Asked only of histories whose processes
//! died of nothing else.

use prismq::State;

use crate::checker::Finding;
use crate::checker::facts::{Call, Delivery, Facts, TaskTrace};
use crate::history::Op;

/// Attempts that a task may lose by the deaths of others.
const LOST_MAX: u32 = 1;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if !facts.rules.killed_by_tasks_only {
        return found;
    }
    for (key, trace) in &facts.traces {
        if trace.enqueue.as_ref().is_none_or(|call| call.begun.deadly) {
            continue;
        }
        let lost = lost(trace);
        if lost > LOST_MAX {
            let what = format!("task {key} lost {lost} attempts by the deaths of processes");
            found.push(Finding::about([*key], what));
        }
        let dead = trace.stored.is_some_and(|task| task.state == State::Dead);
        let max = trace.enqueue.as_ref().and_then(|call| call.begun.max_attempts);
        if dead && !trace.uses().any(|call| may_have_died_of(call, max)) {
            let what = format!(
                "task {key} became a dead letter, and no handler of it had failed for good"
            );
            found.push(Finding::about([*key], what));
        }
    }
    found
}

/// Attempts that were counted, and neither completed nor failed nor are under way.
fn lost(trace: &TaskTrace<'_>) -> u32 {
    let given = trace.claims.iter().map(Delivery::attempt).max().unwrap_or(0);
    let (counted, own) = match trace.stored {
        Some(task) if matches!(task.state, State::Leased | State::Completed) => (task.attempt, 1),
        Some(task) => (task.attempt, 0),
        None => (given, 1),
    };
    let failed = trace.uses().filter(|call| call.begun.op == Op::Fail && call.may_have_happened());
    let failed = u32::try_from(failed.count()).unwrap_or(u32::MAX);
    counted.saturating_sub(failed).saturating_sub(own)
}

/// Whether a failure may have been the task's own last.
fn may_have_died_of(call: &Call<'_>, max_attempts: Option<u32>) -> bool {
    let last = call.begun.attempt >= max_attempts;
    call.begun.op == Op::Fail && call.may_have_happened() && (last || call.begun.dead == Some(true))
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::checker::Invariant;
    use crate::checker::Rules;
    use crate::checker::synthetic::SyntheticHistory;
    use crate::history::Op;

    const RULES: Rules = Rules { killed_by_tasks_only: true, ..Rules::PLAIN };
    /// Longer than a lease.
    const LATER: u64 = 61_000;

    /// A task that this many processes took along as they died, and that was then completed.
    fn synthetic(deaths: u32, deadly: bool) -> SyntheticHistory {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, deadly);
        for death in 0..deaths {
            let at = u64::from(death) * LATER;
            synthetic.pool(death + 1, 1, (at + 1, at + 900));
            synthetic.begin(death + 1, (1, i64::from(death) + 1, death + 1), at + 10, 0);
        }
        let (at, token) = (u64::from(deaths) * LATER, i64::from(deaths) + 1);
        synthetic.pool(deaths + 1, 1, (at + 1, at + 900));
        synthetic.begin(deaths + 1, (1, token, deaths + 1), at + 10, 0);
        synthetic.end(deaths + 1, (1, token, deaths + 1), at + 20, Op::Complete);
        synthetic
    }

    #[test]
    fn a_task_that_loses_two_attempts_by_the_deaths_of_others_is_found() {
        assert_eq!(synthetic(1, false).broken(&RULES), []);
        assert_eq!(synthetic(2, false).broken(&RULES), [Invariant::CrashIsolation]);
        assert_eq!(synthetic(2, true).broken(&RULES), []);
        assert_eq!(synthetic(2, false).broken(&Rules::PLAIN), []);
    }

    #[test]
    fn a_failure_of_its_own_is_no_death_of_another() {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, false);
        synthetic.pool(1, 1, (1, 900));
        for attempt in 1..3 {
            let (run, at) = ((1, i64::from(attempt), attempt), u64::from(attempt) * 100);
            synthetic.begin(1, run, at, 0);
            synthetic.end(1, run, at + 10, Op::Fail);
        }
        synthetic.stores(1, State::Ready, 2);
        assert_eq!(synthetic.broken(&RULES), []);
    }

    #[test]
    fn a_dead_letter_that_never_failed_is_found() {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, false);
        synthetic.pool(1, 1, (1, 900));
        synthetic.begin(1, (1, 1, 1), 10, 0);
        synthetic.stores(1, State::Dead, 1);
        assert_eq!(synthetic.broken(&RULES), [Invariant::CrashIsolation]);
    }
}
