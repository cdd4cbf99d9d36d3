//! Running what is due, on the thread of the test.

use std::fmt::Display;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::TestQueue;
use crate::core::RetryRule;
use crate::engine::{Answer, Operation};
use crate::model::{Claim, Error, Lease, Result, RetryPolicy};
use crate::pool::handler::{Attempt, Host, Returned, StopFlags};
use crate::time::{Clock as _, Timestamp};

/// Attempts after which one call is taken for a loop of tasks that enqueue each other.
const RUNS_MAX: usize = 1_000_000;
/// How often an operation is tried that a transient fault refuses, as a worker pool tries it again.
const TRIES: usize = 10;
/// A task type that no task has, as it is not a valid name.
const NO_TYPE: &str = "";

/// The handler of a type.
pub(super) struct Registered {
    backoff: Option<RetryPolicy>,
    run: Box<dyn Fn(Attempt) -> Returned>,
}

impl Registered {
    fn rule(&self) -> RetryRule<'_> {
        RetryRule { decide: None, policy: self.backoff.as_ref() }
    }

    pub(super) fn new(
        backoff: Option<RetryPolicy>,
        run: impl Fn(Attempt) -> Returned + 'static,
    ) -> Self {
        Self { backoff, run: Box::new(run) }
    }
}

impl TestQueue {
    /// Runs all tasks that can run now and have a handler, also those that handlers enqueue meanwhile, one after the
    /// other. Returns how many attempts were made, failed ones among them.
    #[track_caller]
    pub fn run_due(&self) -> usize {
        // Slots of schedules become tasks, perhaps in a queue that no claim knows yet.
        self.next_due();
        let mut runs = 0;
        while let Some(lease) = self.claim_one() {
            self.attempt(lease);
            runs += 1;
            if runs == RUNS_MAX {
                fail(
                    "run_due",
                    format!("{RUNS_MAX} attempts: do the handlers enqueue without end?"),
                );
            }
        }
        runs
    }

    /// Lets this much time pass. The clock stops at each time at which something falls due on the way, and what can run
    /// then runs ([`TestQueue::run_due`]). Returns how many attempts were made.
    #[track_caller]
    pub fn advance(&self, by: Duration) -> usize {
        let end = self.clock.monotonic().after(by);
        let mut runs = self.run_due();
        loop {
            let now = self.clock.monotonic();
            let due = self.next_due().filter(|due| *due <= end);
            self.clock.advance(due.unwrap_or(end).since(now));
            let more = self.run_due();
            runs += more;
            // What is due in the past needs another transaction.
            if due.is_none() && more == 0 {
                return runs;
            }
        }
    }

    /// The next task that can run and has a handler.
    #[track_caller]
    fn claim_one(&self) -> Option<Lease> {
        let types: Vec<Arc<str>> = self.handlers.borrow().keys().cloned().collect();
        if types.is_empty() {
            return None;
        }
        let requirements = tried("reading task types", || self.queue.types()).into_iter();
        let requirements: Vec<String> = requirements.flat_map(|info| info.requirements).collect();
        let claim = Claim::new(types).capabilities(requirements);
        for queue in tried("reading queues", || self.queue.queues()) {
            let claim = claim.clone().queue(queue.name);
            if let Some(lease) = tried("a claim", || self.queue.claim(&claim)).pop() {
                return Some(lease);
            }
        }
        None
    }

    /// Runs the handler of a claimed task, and settles the task.
    #[track_caller]
    fn attempt(&self, lease: Lease) {
        // Not borrowed while the handler runs, which may add others.
        let Some(handler) = self.handlers.borrow().get(lease.task_type()).map(Rc::clone) else {
            return;
        };
        let held = lease.without_payload();
        let core = self.queue.core();
        let flags = Arc::new(StopFlags::default());
        let attempt = Attempt {
            lease,
            worker: 0,
            deadline: None,
            flags: flags.clone(),
            host: Host::Test(core.clone()),
            result: Mutex::default(),
        };
        let settled = match (handler.run)(attempt) {
            // By the handler, in a transaction of its own.
            _ if flags.completed() => return,
            Ok(result) => Operation::Complete { key: held.key, result },
            Err(error) => core.failure(&held, error, None, handler.rule()),
        };
        tried("settling a task", || match core.submit(settled.clone()) {
            // The handler let the lease expire, or settled the task itself.
            Err(Error::LeaseLost { .. }) => Ok(()),
            answer => answer.map(drop),
        });
    }

    /// When something falls due next, by the monotonic time: a task, a lease's end or a schedule's slot.
    #[track_caller]
    fn next_due(&self) -> Option<Timestamp> {
        let look = Operation::Claim(Claim::new([NO_TYPE]));
        match tried("a claim", || self.queue.core().submit(look.clone())) {
            Answer::Claimed(claimed) => claimed.next_due,
            _ => None,
        }
    }
}

/// The result of an operation, which is tried again after a transient fault.
#[track_caller]
fn tried<T>(what: &str, operation: impl Fn() -> Result<T>) -> T {
    for _ in 1..TRIES {
        match operation() {
            Err(error) if error.is_transient() => {}
            Err(error) => fail(what, error),
            Ok(value) => return value,
        }
    }
    operation().unwrap_or_else(|error| fail(what, error))
}

/// Fails the test.
#[expect(clippy::panic, reason = "a test stops at the first surprise")]
#[track_caller]
pub(super) fn fail(what: &str, error: impl Display) -> ! {
    panic!("the test queue stops: {what} failed: {error}")
}
