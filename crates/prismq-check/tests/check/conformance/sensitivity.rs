//! The suite on a model whose every verb is broken in turn: the cases of that verb must fail.

use std::time::Duration;

use prismq::limits::LEASE_MAX;
use prismq::{CancelOutcome, Enqueued, Order, RetryPolicy, State};
use prismq_check::conformance::{
    Answer, ClaimSpec, Claimed, EngineUnderTest, Failure, FilterSpec, LimitSpec, Model,
    ScheduleSpec, Stats, StoredTask, TaskSpec, VERBS,
};

/// A model with one verb that does something else, and answers as if it had been done.
struct Broken {
    model: Model,
    verb: &'static str,
}

impl EngineUnderTest for Broken {
    /// Broken, it forgets the delay, the key or the time to live.
    fn enqueue(&mut self, tasks: &[TaskSpec]) -> Answer<Vec<Enqueued>> {
        let mut tasks = tasks.to_vec();
        for task in &mut tasks {
            match self.verb {
                "enqueue" => task.delay = Duration::ZERO,
                "unique" => task.unique = None,
                "expiry" => task.expires_after = None,
                _ => {}
            }
        }
        self.model.enqueue(&tasks)
    }

    /// Broken, leases last too long, or requirements do not count.
    fn claim(&mut self, claim: &ClaimSpec) -> Answer<Vec<Claimed>> {
        let mut claim = claim.clone();
        match self.verb {
            "claim" => claim.lease = LEASE_MAX,
            "requirements" => {
                claim.capabilities.extend(["gpu", "eu", "mars"].map(str::to_owned));
            }
            _ => {}
        }
        self.model.claim(&claim)
    }

    /// Broken, the task stays leased.
    fn complete(&mut self, lease: &Claimed) -> Answer<()> {
        if self.verb == "complete" { Ok(()) } else { self.model.complete(lease) }
    }

    /// Broken, the result is not kept.
    fn complete_with(&mut self, lease: &Claimed, result: &[u8]) -> Answer<()> {
        if self.verb == "records" {
            return self.model.complete(lease);
        }
        self.model.complete_with(lease, result)
    }

    /// Broken, every failure is retried at once.
    fn fail(&mut self, lease: &Claimed, failure: &Failure) -> Answer<State> {
        let retry_after = Some(Duration::ZERO);
        let broken = Failure { retry_after, ..failure.clone() };
        self.model.fail(lease, if self.verb == "fail" { &broken } else { failure })
    }

    /// Broken, the lease ends as before.
    fn extend(&mut self, lease: &Claimed, by: Duration) -> Answer<i64> {
        let before = self.model.clone();
        let answer = self.model.extend(lease, by);
        if self.verb == "extend" {
            self.model = before;
        }
        answer
    }

    /// Broken, the attempt counts.
    fn release(&mut self, lease: &Claimed) -> Answer<()> {
        if self.verb == "release" {
            return self.model.fail(lease, &Failure::retry("released", Duration::ZERO)).map(drop);
        }
        self.model.release(lease)
    }

    /// Broken, the attempt counts.
    fn snooze(&mut self, lease: &Claimed, delay: Duration) -> Answer<State> {
        if self.verb == "snooze" {
            return self.model.fail(lease, &Failure::retry("snoozed", delay));
        }
        self.model.snooze(lease, delay)
    }

    fn set_order(&mut self, queue: &str, order: Order) -> Answer<()> {
        if self.verb == "order" { Ok(()) } else { self.model.set_order(queue, order) }
    }

    fn set_paused(&mut self, queue: &str, paused: bool) -> Answer<()> {
        if self.verb == "pause" { Ok(()) } else { self.model.set_paused(queue, paused) }
    }

    fn set_history(&mut self, queue: &str, keep: u32) -> Answer<()> {
        if self.verb == "history" { Ok(()) } else { self.model.set_history(queue, keep) }
    }

    fn set_depth_limit(&mut self, queue: &str, limit: Option<u32>) -> Answer<()> {
        if self.verb == "depth" { Ok(()) } else { self.model.set_depth_limit(queue, limit) }
    }

    fn set_retry(&mut self, task_type: &str, policy: Option<RetryPolicy>) -> Answer<()> {
        if self.verb == "retry" { Ok(()) } else { self.model.set_retry(task_type, policy) }
    }

    /// Broken, the limit has no bounds.
    fn set_limit(&mut self, name: &str, limit: &LimitSpec) -> Answer<()> {
        let none = LimitSpec::default();
        self.model.set_limit(name, if self.verb == "limit" { &none } else { limit })
    }

    fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answer<()> {
        if self.verb == "limit" { Ok(()) } else { self.model.set_concurrency(queue, tasks) }
    }

    /// Broken, it was too late.
    fn cancel(&mut self, id: i64) -> Answer<CancelOutcome> {
        if self.verb == "cancel" { Ok(CancelOutcome::NotActive) } else { self.model.cancel(id) }
    }

    /// Broken, the state does not count.
    fn delete(&mut self, filter: &FilterSpec) -> Answer<u64> {
        let all = FilterSpec { queue: None, ..filter.clone() };
        self.model.delete(if self.verb == "delete" { &all } else { filter })
    }

    /// Broken, attempts never start again.
    fn redrive(&mut self, filter: &FilterSpec, keep_attempts: bool) -> Answer<u64> {
        self.model.redrive(filter, keep_attempts || self.verb == "redrive")
    }

    /// Broken, the state does not count.
    fn list(&mut self, filter: &FilterSpec) -> Answer<Vec<i64>> {
        let all = FilterSpec { states: Vec::new(), ..filter.clone() };
        self.model.list(if self.verb == "list" { &all } else { filter })
    }

    /// Broken, schedules overlap.
    fn set_schedule(&mut self, schedule: &ScheduleSpec) -> Answer<()> {
        let overlap = schedule.overlap || self.verb == "schedule";
        self.model.set_schedule(&ScheduleSpec { overlap, ..schedule.clone() })
    }

    fn pause_schedule(&mut self, name: &str, paused: bool) -> Answer<()> {
        self.model.pause_schedule(name, paused)
    }

    fn remove_schedule(&mut self, name: &str) -> Answer<bool> {
        self.model.remove_schedule(name)
    }

    fn run_schedule(&mut self, name: &str) -> Answer<Option<i64>> {
        self.model.run_schedule(name)
    }

    fn stats(&mut self, queue: &str) -> Answer<Stats> {
        if self.verb == "stats" { Ok(Stats::default()) } else { self.model.stats(queue) }
    }

    fn task(&mut self, id: i64) -> Answer<Option<StoredTask>> {
        if self.verb == "task" { Ok(None) } else { self.model.task(id) }
    }

    fn now(&mut self) -> i64 {
        self.model.now()
    }

    fn set_clock(&mut self, by: i64) {
        self.model.set_clock(by);
    }

    fn reopen(&mut self) {
        self.model.reopen();
    }
}

#[test]
fn an_engine_with_a_broken_verb_fails_the_cases_of_that_verb() {
    for verb in VERBS {
        let broken = || Broken { model: Model::new(1_800_000_000_000_000), verb: verb.name };
        let failed = verb.run(broken).unwrap_err();
        println!("{}", failed.join("\n"));
    }
}
