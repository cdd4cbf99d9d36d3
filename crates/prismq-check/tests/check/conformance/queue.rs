//! An engine under test: a queue at some place, by one handle or several.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Attempt, CancelOutcome, Claim, Clock as _, Enqueued, Error, Handle, Lease, Limit, ManualClock,
    NewTask, Order, Queue, Redrive, RetryPolicy, Schedule, State, TaskError, TaskId, Tasks,
    Timestamp, Unique,
};
use prismq_check::conformance::{
    Answer, BoundsSpec, Change, ClaimSpec, Claimed, EngineUnderTest, Failure, FilterSpec, Hold,
    LimitSpec, RateSpec, Refusal, ScheduleSpec, Stats, StoredTask, TaskSpec, UniqueSpec,
};

/// Where a queue is, as long as it is under test.
pub(crate) trait Place {
    /// Opens a handle on the queue that follows this clock.
    fn open(&self, clock: &Arc<ManualClock>) -> Queue;
}

#[derive(Debug)]
pub(crate) struct UnderTest<P> {
    /// Before the place, so that they are closed first.
    handles: Vec<Queue>,
    place: P,
    clock: Arc<ManualClock>,
    handle: usize,
    leases: HashMap<(i64, i64), Lease>,
}

impl<P: Place> UnderTest<P> {
    /// The queue at this place by so many handles, from this time of the wall clock on.
    pub(crate) fn at(place: P, now: i64, count: usize) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(now)));
        let (handles, leases) = (Vec::new(), HashMap::new());
        let mut engine = Self { handles, place, clock, handle: 0, leases };
        engine.open(count);
        engine
    }

    pub(crate) const fn place(&self) -> &P {
        &self.place
    }

    /// Which handle makes the requests that follow.
    pub(crate) const fn use_handle(&mut self, handle: usize) {
        self.handle = handle;
    }

    pub(crate) fn stats_by_last_handle(&self, queue: &str) -> Answer<Stats> {
        stats(self.handles.last().unwrap(), queue)
    }

    fn open(&mut self, count: usize) {
        self.handles = (0..count).map(|_| self.place.open(&self.clock)).collect();
    }

    fn queue(&self) -> &Queue {
        &self.handles[self.handle]
    }

    fn tasks(&self, filter: &FilterSpec) -> Tasks {
        let mut tasks = self.queue().tasks();
        if let Some(queue) = &filter.queue {
            tasks = tasks.queue(queue.as_str());
        }
        tasks = filter.types.iter().fold(tasks, |tasks, of| tasks.of_type(of.as_str()));
        tasks = filter.states.iter().fold(tasks, |tasks, state| tasks.state(*state));
        if let Some(age) = filter.older_than {
            tasks = tasks.older_than(age);
        }
        match &filter.error_contains {
            Some(text) => tasks.error_contains(text.as_str()),
            None => tasks,
        }
    }

    fn lease(&self, claimed: &Claimed) -> &Lease {
        &self.leases[&(claimed.task, claimed.token)]
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::NotEmpty { .. } => Refusal::NotEmpty,
        Error::QueueFull { .. } => Refusal::QueueFull,
        Error::InvalidInput { .. } | Error::UnknownLimit { .. } => Refusal::Invalid,
        Error::NoSchedule { .. } => Refusal::NoSchedule,
        error if error.is_lease_lost() => Refusal::LeaseLost,
        error => Refusal::Other(error.to_string()),
    }
}

fn stats(queue: &Queue, name: &str) -> Answer<Stats> {
    let stats = queue.stats(name).map_err(refusal)?;
    Ok(Stats {
        ready: stats.ready,
        scheduled: stats.scheduled,
        leased: stats.leased,
        dead: stats.dead,
        kept: stats.kept,
        paused: stats.paused,
        enqueued: stats.enqueued,
        completed: stats.completed,
        failed: stats.failed,
        reclaimed: stats.reclaimed,
        cancelled: stats.cancelled,
        deleted: stats.deleted,
        expired: stats.expired,
    })
}

fn new_task(task: &TaskSpec) -> NewTask {
    let mut new = NewTask::new(task.task_type.as_str(), task.payload.as_slice())
        .queue(task.queue.as_str())
        .priority(task.priority)
        .delay(task.delay)
        .max_attempts(task.max_attempts)
        .requires(task.requires.iter().map(String::as_str));
    if let Some(limit) = &task.limit {
        new = new.limit(limit.as_str());
    }
    if let Some(key) = &task.key {
        new = new.key(key.as_str());
    }
    if task.ordered {
        new = new.ordered();
    }
    let new = match &task.unique {
        Some(rule) => new.unique(unique(rule)),
        None => new,
    };
    match task.expires_after {
        Some(time) => new.expires_after(time),
        None => new,
    }
}

fn unique(rule: &UniqueSpec) -> Unique {
    let unique = match &rule.key {
        Some(key) => Unique::key(key.as_str()),
        None => Unique::payload(),
    };
    let unique = match rule.hold {
        Hold::WhileWaiting => unique.while_waiting(),
        Hold::UntilDone => unique.until_done(),
        Hold::Period(period) => unique.for_period(period),
    };
    match rule.change {
        Change::Keep => unique.keep(),
        Change::Replace => unique.replace(),
        Change::PushBack => unique.push_back(),
    }
}

fn bounds(bounds: BoundsSpec) -> Limit {
    let mut limit = bounds.concurrency.map_or(Limit::unlimited(), Limit::concurrency);
    if let Some(RateSpec { tasks, period, burst }) = bounds.rate {
        limit = limit.and(Limit::rate(tasks, period).burst(burst));
    }
    limit
}

/// The number and the error of an attempt; no process recorded one whose lease expired.
fn attempt(attempt: Attempt) -> (u32, Option<String>) {
    (attempt.attempt, attempt.process.map(|_| attempt.error))
}

impl<P: Place> EngineUnderTest for UnderTest<P> {
    fn enqueue(&mut self, tasks: &[TaskSpec]) -> Answer<Vec<Enqueued>> {
        let handles = self.queue().enqueue_all(tasks.iter().map(new_task)).map_err(refusal)?;
        Ok(handles.iter().map(Handle::enqueued).collect())
    }

    fn claim(&mut self, claim: &ClaimSpec) -> Answer<Vec<Claimed>> {
        let claim = Claim::new(claim.types.iter().map(String::as_str))
            .queue(claim.queue.as_str())
            .capabilities(claim.capabilities.iter().map(String::as_str))
            .max(claim.max)
            .lease(claim.lease);
        let leases = self.queue().claim(&claim).map_err(refusal)?;
        let claimed = leases.iter().map(|lease| Claimed {
            task: lease.id().as_i64(),
            token: lease.token(),
            attempt: lease.attempt(),
            max_attempts: lease.max_attempts(),
            priority: lease.priority(),
            task_type: lease.task_type().to_owned(),
            payload: lease.payload().to_vec(),
            expires_at: lease.expires_at().as_micros(),
            scheduled_for: lease.scheduled_for().map(Timestamp::as_micros),
        });
        let claimed = claimed.collect();
        let named = leases.into_iter().map(|lease| ((lease.id().as_i64(), lease.token()), lease));
        self.leases.extend(named);
        Ok(claimed)
    }

    fn complete(&mut self, lease: &Claimed) -> Answer<()> {
        self.queue().complete(self.lease(lease)).map_err(refusal)
    }

    fn complete_with(&mut self, lease: &Claimed, result: &[u8]) -> Answer<()> {
        self.queue().complete_with(self.lease(lease), result).map_err(refusal)
    }

    fn fail(&mut self, lease: &Claimed, failure: &Failure) -> Answer<State> {
        let text = failure.text.clone();
        let error = match failure.retry_after {
            _ if failure.by_policy => TaskError::new(text),
            Some(delay) => TaskError::new(text).retry_after(delay),
            None => TaskError::permanent(text),
        };
        self.queue().fail(self.lease(lease), error).map_err(refusal)
    }

    fn extend(&mut self, lease: &Claimed, by: Duration) -> Answer<i64> {
        let expires_at = self.queue().extend(self.lease(lease), by).map_err(refusal)?;
        Ok(expires_at.as_micros())
    }

    fn release(&mut self, lease: &Claimed) -> Answer<()> {
        self.queue().release(self.lease(lease)).map_err(refusal)
    }

    fn snooze(&mut self, lease: &Claimed, delay: Duration) -> Answer<State> {
        self.queue().fail(self.lease(lease), TaskError::snooze(delay)).map_err(refusal)
    }

    fn set_order(&mut self, queue: &str, order: Order) -> Answer<()> {
        self.queue().set_order(queue, order).map_err(refusal)
    }

    fn set_paused(&mut self, queue: &str, paused: bool) -> Answer<()> {
        let handle = self.queue();
        if paused { handle.pause(queue) } else { handle.resume(queue) }.map_err(refusal)
    }

    fn set_history(&mut self, queue: &str, keep: u32) -> Answer<()> {
        self.queue().set_history(queue, keep).map_err(refusal)
    }

    fn set_depth_limit(&mut self, queue: &str, limit: Option<u32>) -> Answer<()> {
        self.queue().set_depth_limit(queue, limit).map_err(refusal)
    }

    fn set_retry(&mut self, task_type: &str, policy: Option<RetryPolicy>) -> Answer<()> {
        self.queue().set_retry(task_type, policy).map_err(refusal)
    }

    fn set_limit(&mut self, name: &str, limit: &LimitSpec) -> Answer<()> {
        let limit = bounds(limit.total).and(bounds(limit.per_key).per_key());
        self.queue().set_limit(name, limit).map_err(refusal)
    }

    fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answer<()> {
        self.queue().set_concurrency(queue, tasks).map_err(refusal)
    }

    fn cancel(&mut self, id: i64) -> Answer<CancelOutcome> {
        self.queue().cancel(TaskId::from_i64(id)).map_err(refusal)
    }

    fn delete(&mut self, filter: &FilterSpec) -> Answer<u64> {
        self.tasks(filter).delete().map_err(refusal)
    }

    fn redrive(&mut self, filter: &FilterSpec, keep_attempts: bool) -> Answer<u64> {
        let redrive = Redrive::new();
        let redrive = if keep_attempts { redrive.keep_attempts() } else { redrive };
        self.tasks(filter).redrive_with(redrive).map_err(refusal)
    }

    /// In pages of two, and counted too.
    fn list(&mut self, filter: &FilterSpec) -> Answer<Vec<i64>> {
        let tasks = self.tasks(filter);
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = tasks.list(2, after).map_err(refusal)?;
            ids.extend(page.tasks.iter().map(|task| task.id.as_i64()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(tasks.count().map_err(refusal)?, ids.len() as u64);
        ids.sort_unstable();
        Ok(ids)
    }

    fn set_schedule(&mut self, spec: &ScheduleSpec) -> Answer<()> {
        let schedule = Schedule::every(spec.name.as_str(), spec.interval, new_task(&spec.task))
            .missed(spec.missed);
        let schedule = if spec.overlap { schedule } else { schedule.no_overlap() };
        self.queue().schedules().set(&schedule).map(drop).map_err(refusal)
    }

    fn pause_schedule(&mut self, name: &str, paused: bool) -> Answer<()> {
        let schedules = self.queue().schedules();
        if paused { schedules.pause(name) } else { schedules.resume(name) }.map_err(refusal)
    }

    fn remove_schedule(&mut self, name: &str) -> Answer<bool> {
        self.queue().schedules().remove(name).map_err(refusal)
    }

    fn run_schedule(&mut self, name: &str) -> Answer<Option<i64>> {
        let task = self.queue().schedules().run_now(name).map_err(refusal)?;
        Ok(task.map(TaskId::as_i64))
    }

    fn stats(&mut self, queue: &str) -> Answer<Stats> {
        stats(self.queue(), queue)
    }

    fn task(&mut self, id: i64) -> Answer<Option<StoredTask>> {
        let task = self.queue().task(TaskId::from_i64(id)).map_err(refusal)?;
        Ok(task.map(|task| StoredTask {
            queue: task.queue,
            task_type: task.task_type,
            requirements: task.requirements,
            state: task.state,
            priority: task.priority,
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            run_at: task.run_at.as_micros(),
            lease_expires_at: task.lease_expires_at.map(Timestamp::as_micros),
            error: task.error,
            payload: task.payload,
            attempts: task.attempts.into_iter().map(attempt).collect(),
            result: task.result,
        }))
    }

    fn now(&mut self) -> i64 {
        self.clock.now().as_micros()
    }

    fn set_clock(&mut self, by: i64) {
        self.clock.set(Timestamp::from_micros(self.clock.now().as_micros() + by));
    }

    fn reopen(&mut self) {
        let count = self.handles.len();
        self.handles.clear();
        self.open(count);
    }
}
