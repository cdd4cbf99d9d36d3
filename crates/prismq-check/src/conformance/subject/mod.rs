//! What an engine is asked by the suite, and what it answers: owned data, which can cross a process.

mod answers;
mod requests;

use std::time::Duration;

use prismq::{CancelOutcome, Enqueued, Order, RetryPolicy, State};

pub use self::answers::{Claimed, Refusal, Stats, StoredTask};
pub use self::requests::{
    BoundsSpec, Change, ClaimSpec, Failure, FilterSpec, Hold, LimitSpec, RateSpec, ScheduleSpec,
    TaskSpec, UniqueSpec,
};

/// What an engine answers to a request.
pub type Answer<T> = Result<T, Refusal>;

/// A queue engine with a clock that the suite moves. Times are microseconds of the wall clock.
pub trait EngineUnderTest {
    /// Adds tasks in one call, all or none, and returns what became of each in the same order. See
    /// [`prismq::Queue::enqueue_all`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if one of them is out of bounds, [`Refusal::QueueFull`] if a queue has no room for all.
    fn enqueue(&mut self, tasks: &[TaskSpec]) -> Answer<Vec<Enqueued>>;

    /// Claims tasks, in the order of their queue. See [`prismq::Queue::claim`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the claim is out of bounds.
    fn claim(&mut self, claim: &ClaimSpec) -> Answer<Vec<Claimed>>;

    /// Completes a task. See [`prismq::Queue::complete`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn complete(&mut self, lease: &Claimed) -> Answer<()>;

    /// Completes a task with a result, which is kept with it. See [`prismq::Queue::complete_with`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task, [`Refusal::Invalid`] if the result is too large.
    fn complete_with(&mut self, lease: &Claimed, result: &[u8]) -> Answer<()>;

    /// Records a failed attempt, and returns the task's new state. See [`prismq::Queue::fail`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn fail(&mut self, lease: &Claimed, failure: &Failure) -> Answer<State>;

    /// Lets a lease end this long from now, and returns when that is. See [`prismq::Queue::extend`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn extend(&mut self, lease: &Claimed, by: Duration) -> Answer<i64>;

    /// Returns a task to its queue without counting the attempt. See [`prismq::Queue::release`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn release(&mut self, lease: &Claimed) -> Answer<()>;

    /// Puts a task off for this long without counting the attempt, and returns its new state. See
    /// [`prismq::TaskError::snooze`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn snooze(&mut self, lease: &Claimed, delay: Duration) -> Answer<State>;

    /// Sets the order of an empty queue. See [`prismq::Queue::set_order`].
    ///
    /// # Errors
    /// [`Refusal::NotEmpty`] if the queue has tasks and another order.
    fn set_order(&mut self, queue: &str, order: Order) -> Answer<()>;

    /// Pauses or resumes a queue. See [`prismq::Queue::pause`] and [`prismq::Queue::resume`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the name is out of bounds.
    fn set_paused(&mut self, queue: &str, paused: bool) -> Answer<()>;

    /// Sets how many completed tasks a queue keeps. See [`prismq::Queue::set_history`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the number is out of bounds.
    fn set_history(&mut self, queue: &str, keep: u32) -> Answer<()>;

    /// Limits how many live tasks a queue holds. See [`prismq::Queue::set_depth_limit`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the limit is 0 or the name is out of bounds.
    fn set_depth_limit(&mut self, queue: &str, limit: Option<u32>) -> Answer<()>;

    /// Sets when failed tasks of a type run again. See [`prismq::Queue::set_retry`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the policy or the name is out of bounds.
    fn set_retry(&mut self, task_type: &str, policy: Option<RetryPolicy>) -> Answer<()>;

    /// Sets the bounds of a limit. See [`prismq::Queue::set_limit`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if one of them is out of bounds.
    fn set_limit(&mut self, name: &str, limit: &LimitSpec) -> Answer<()>;

    /// Sets how many tasks of a queue run at once. See [`prismq::Queue::set_concurrency`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the number is out of bounds.
    fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answer<()>;

    /// Cancels a task that waits, and requests it of one that runs. See [`prismq::Queue::cancel`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn cancel(&mut self, id: i64) -> Answer<CancelOutcome>;

    /// Deletes tasks, except those that run, and returns how many. See [`prismq::Tasks::delete`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the filter is out of bounds.
    fn delete(&mut self, filter: &FilterSpec) -> Answer<u64>;

    /// Puts dead tasks back, and returns how many. See [`prismq::Tasks::redrive_with`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the filter is out of bounds.
    fn redrive(&mut self, filter: &FilterSpec, keep_attempts: bool) -> Answer<u64>;

    /// The ids of tasks, in their order. See [`prismq::Tasks::list`] and [`prismq::Tasks::count`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the filter is out of bounds.
    fn list(&mut self, filter: &FilterSpec) -> Answer<Vec<i64>>;

    /// Adds or changes a schedule that fires at an interval. See [`prismq::Schedules::set`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the interval, a name or the task is out of bounds.
    fn set_schedule(&mut self, schedule: &ScheduleSpec) -> Answer<()>;

    /// Pauses or resumes a schedule. See [`prismq::Schedules::pause`] and [`prismq::Schedules::resume`].
    ///
    /// # Errors
    /// [`Refusal::NoSchedule`] if there is none of this name.
    fn pause_schedule(&mut self, name: &str, paused: bool) -> Answer<()>;

    /// Removes a schedule; whether there was one. See [`prismq::Schedules::remove`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn remove_schedule(&mut self, name: &str) -> Answer<bool>;

    /// Enqueues the task of a schedule now, unless that must not overlap with the last one. See
    /// [`prismq::Schedules::run_now`].
    ///
    /// # Errors
    /// [`Refusal::NoSchedule`] if there is none of this name.
    fn run_schedule(&mut self, name: &str) -> Answer<Option<i64>>;

    /// The counters of a queue; those of a queue that was never used are zero. See [`prismq::Queue::stats`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn stats(&mut self, queue: &str) -> Answer<Stats>;

    /// A task, if it is stored. See [`prismq::Queue::task`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn task(&mut self, id: i64) -> Answer<Option<StoredTask>>;

    /// What the wall clock shows.
    fn now(&mut self) -> i64;

    /// Sets the wall clock by this many microseconds. Forward, so much time passes for leases and delays; back, none.
    fn set_clock(&mut self, by: i64);

    /// Closes the engine and opens it again, as after a restart.
    fn reopen(&mut self);
}
