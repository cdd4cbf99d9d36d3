//! No pool holds a task that it has not begun while a worker of another pool, which could run it, is idle,
//! for longer than is allowed. Asked only of histories whose pools were never suspended or paused.
//!
//! How long a task had been held when its handler began is the elapsed part of its lease: an extension
//! meanwhile, or a task that went back and was claimed again, makes it shorter than it was. A worker is idle
//! from the end of one handler to the beginning of the next, as its process recorded them, and only while that is
//! known to be there. What threads of both processes that only slept were late is taken off: by as much the
//! pools may have been kept from acting.

use std::cmp::Reverse;
use std::collections::HashSet;

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts};
use crate::history::{Event, Op, Phase};

/// A time of the shared clock.
type Span = (u64, u64);

/// What is known of a pool.
struct Seen<'a> {
    begun: &'a Event,
    alive: Span,
    /// Times at which a worker was idle, in order.
    idle: Vec<Span>,
    stalls: Vec<Span>,
}

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(allowed) = facts.rules.shared_within else {
        return Vec::new();
    };
    let allowed_us = i64::try_from(allowed.as_micros()).unwrap_or(i64::MAX);
    let pools: Vec<Seen<'_>> =
        facts.pools.iter().filter_map(|call| Seen::of(facts, call)).collect();
    let mut found = Vec::new();
    for run in facts.calls.iter().filter(|call| call.begun.op == Op::RunHandler) {
        let Some(held_us) = held(facts, run).filter(|held| *held > allowed_us) else {
            continue;
        };
        let until = run.begun.t_mono_ns;
        let since = until.saturating_sub(u64::try_from(held_us).unwrap_or(0) * 1000);
        let own_stalls = pools.iter().filter(|pool| pool.begun.client_id == run.begun.client_id);
        let own_stalls: Vec<Span> = own_stalls.flat_map(|pool| pool.stalls.clone()).collect();
        let others = pools.iter().filter(|pool| pool.could_run(run, facts));
        let longest = others
            .map(|pool| {
                (pool.idle_within((since, until), &own_stalls), Reverse(pool.begun.client_id))
            })
            .max();
        let Some((idle_ns, Reverse(other))) = longest else {
            continue;
        };
        if u128::from(idle_ns) > allowed.as_nanos()
            && let Some(key) = run.begun.key
        {
            let what = format!(
                "task {key} was held by the pool of client {} for {held_us} us before its handler began, while a worker of the pool of client {other} was idle for {} us",
                run.begun.client_id,
                idle_ns / 1000,
            );
            found.push(Finding::about([key], what));
        }
    }
    found
}

/// How long a task had been held when its handler began, in microseconds, if that is known.
pub(in crate::checker) fn held(facts: &Facts<'_>, run: &Call<'_>) -> Option<i64> {
    if run.begun.limited {
        return None;
    }
    let pool = facts.pools.iter().find(|pool| pool.begun.client_id == run.begun.client_id)?;
    let claimed = run.begun.expires_at? - pool.begun.micros?;
    Some((run.begun.t_db - claimed).max(0))
}

impl<'a> Seen<'a> {
    fn of(facts: &Facts<'a>, pool: &Call<'a>) -> Option<Self> {
        let begun = pool.begun;
        let own =
            || facts.history.events().iter().filter(|event| event.client_id == begun.client_id);
        // Its start had returned when its process first recorded stalls.
        let from = own().find(|event| event.op == Op::Stall)?.t_mono_ns;
        let until = pool.end().map_or_else(|| own().next_back(), Some)?.t_mono_ns;
        let stalls = own().filter(|event| event.op == Op::Stall).map(|stall| {
            let late = u64::try_from(stall.micros.unwrap_or(0)).unwrap_or(0) * 1000;
            (stall.t_mono_ns.saturating_sub(late), stall.t_mono_ns)
        });
        let stalls = stalls.filter(|(from, until)| from < until).collect();
        let idle = idle(own(), begun.count.unwrap_or(0), (from, until));
        Some(Self { begun, alive: (from, until), idle, stalls })
    }

    /// Whether this other pool could run a task.
    fn could_run(&self, run: &Call<'_>, facts: &Facts<'_>) -> bool {
        let pools = facts.pools.iter().map(|pool| pool.begun);
        let queue = pools
            .filter(|pool| pool.client_id == run.begun.client_id)
            .find_map(|pool| pool.queue.clone());
        let types = self.begun.task_type.as_deref().unwrap_or_default();
        let serves = types.split(',').any(|name| Some(name) == run.begun.task_type.as_deref());
        self.begun.client_id != run.begun.client_id
            && self.begun.queue == queue
            && serves
            && self.alive.0 < run.begun.t_mono_ns
    }

    /// The longest time without a break at which a worker was idle, less the stalls in it.
    fn idle_within(&self, window: Span, others_stalls: &[Span]) -> u64 {
        let within = self.idle.iter().filter_map(|span| common(*span, window));
        let awake = |span: Span| {
            let stalls = self.stalls.iter().chain(others_stalls);
            let late: u64 = stalls
                .filter_map(|stall| common(*stall, span))
                .map(|(from, until)| until - from)
                .sum();
            (span.1 - span.0).saturating_sub(late)
        };
        within.map(awake).max().unwrap_or(0)
    }
}

/// When at least one of this many workers was idle.
fn idle<'a>(events: impl Iterator<Item = &'a Event>, workers: u32, alive: Span) -> Vec<Span> {
    let mut running = HashSet::new();
    let mut spans = Vec::new();
    let mut since = (workers > 0).then_some(alive.0);
    for event in events.filter(|event| event.op == Op::RunHandler && event.phase != Phase::Info) {
        let name = (event.task, event.token);
        match event.phase {
            Phase::Invoke => _ = running.insert(name),
            _ => _ = running.remove(&name),
        }
        let idles = running.len() < workers as usize;
        match since {
            Some(from) if !idles => {
                spans.push((from, event.t_mono_ns));
                since = None;
            }
            None if idles => since = Some(event.t_mono_ns),
            _ => {}
        }
    }
    spans.extend(since.map(|from| (from, alive.1)));
    spans.into_iter().filter_map(|span| common(span, alive)).collect()
}

fn common(a: Span, b: Span) -> Option<Span> {
    let both = (a.0.max(b.0), a.1.min(b.1));
    (both.0 < both.1).then_some(both)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::checker::Invariant;
    use crate::checker::Rules;
    use crate::checker::synthetic::SyntheticHistory;
    use crate::history::Op;

    const RULES: Rules = Rules { shared_within: Some(Duration::from_millis(50)), ..Rules::PLAIN };

    /// A task that was held for 200 ms, and a second pool from `alive` on, which runs another task meanwhile.
    fn synthetic(alive: (u64, u64), runs: Option<(u64, u64)>) -> SyntheticHistory {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, false);
        synthetic.pool(1, 1, (1, 900));
        synthetic.pool(2, 1, alive);
        if let Some((from, until)) = runs {
            synthetic.task(2, false);
            synthetic.begin(2, (2, 1, 1), from, 0);
            synthetic.end(2, (2, 1, 1), until, Op::Complete);
        }
        synthetic.begin(1, (1, 1, 1), 500, 200);
        synthetic.end(1, (1, 1, 1), 510, Op::Complete);
        synthetic
    }

    #[test]
    fn a_task_that_is_held_while_another_pool_idles_is_found() {
        assert_eq!(synthetic((1, 900), None).broken(&RULES), [Invariant::Hoarding]);
        // Idle before, for 100 of the 200 ms.
        assert_eq!(synthetic((1, 900), Some((400, 600))).broken(&RULES), [Invariant::Hoarding]);
        assert_eq!(synthetic((1, 900), None).broken(&Rules::PLAIN), []);
    }

    #[test]
    fn a_pool_that_is_busy_or_not_there_is_not_idle() {
        assert_eq!(synthetic((1, 900), Some((290, 600))).broken(&RULES), []);
        // Twice for 50 ms at most.
        assert_eq!(synthetic((1, 900), Some((350, 450))).broken(&RULES), []);
        assert_eq!(synthetic((460, 900), None).broken(&RULES), []);
        assert_eq!(synthetic((1, 340), None).broken(&RULES), []);
    }

    #[test]
    fn what_a_thread_that_only_slept_was_late_is_taken_off() {
        for stalled in [1, 2] {
            let mut late = synthetic((1, 900), None);
            late.stall(stalled, 480, 160);
            assert_eq!(late.broken(&RULES), []);
            let mut late = synthetic((1, 900), None);
            late.stall(stalled, 480, 140);
            assert_eq!(late.broken(&RULES), [Invariant::Hoarding]);
        }
    }
}
