//! What follows a failed attempt: what its error asks for, else what the process decides, else the policies.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Core;
use crate::engine::{AfterFailure, Operation};
use crate::model::limits::DELAY_MAX;
use crate::model::{Failure, Lease, Retry, RetryPolicy, TaskError};

/// The application's decision on a failed attempt: the delay until the next, or none if the task is to be dead.
pub(crate) type DecideRetry = dyn Fn(u32, &TaskError) -> Option<Duration> + Send + Sync;

/// When failed attempts at tasks of a type are retried, as far as this process says it.
#[derive(Clone, Copy, Default)]
pub(crate) struct RetryRule<'a> {
    /// Asked first.
    pub(crate) decide: Option<&'a DecideRetry>,
    /// The policy that the type declares; one that is kept in the file comes before it.
    pub(crate) policy: Option<&'a RetryPolicy>,
}

impl Core {
    /// The operation that settles an attempt which returned this error: of this worker of a pool, whose handler began
    /// then, or of a caller that claimed the task itself.
    pub(crate) fn failure(
        &self,
        lease: &Lease,
        error: TaskError,
        begun: Option<(usize, Instant)>,
        rule: RetryRule<'_>,
    ) -> Operation {
        let next = match error.retry {
            Retry::Snooze(delay) => AfterFailure::Snooze(delay.min(DELAY_MAX)),
            Retry::Cancel => AfterFailure::Cancelled,
            Retry::Never => AfterFailure::Dead,
            _ if lease.attempt >= lease.max_attempts => AfterFailure::Dead,
            Retry::After(delay) => AfterFailure::Retry(delay.min(DELAY_MAX)),
            Retry::ByPolicy => self.by_rule(lease, &error, rule),
        };
        let (worker, began_at) = match begun {
            None => (None, lease.claimed_at),
            Some((worker, begun)) => (Some(worker), self.clock().now().before(begun.elapsed())),
        };
        let error_type = error.error_type();
        let failure = Failure { error: error.text.into_owned(), error_type, began_at, worker };
        Operation::Fail { key: lease.key, failure, next }
    }

    fn by_rule(&self, lease: &Lease, error: &TaskError, rule: RetryRule<'_>) -> AfterFailure {
        if let Some(decided) = rule.decide.and_then(|decide| decided(decide, lease, error)) {
            return AfterFailure::UnlessByOperator(decided.map(|delay| delay.min(DELAY_MAX)));
        }
        let policy = rule.policy.unwrap_or(&self.shared.retry);
        AfterFailure::ByPolicy { otherwise: policy.delay(lease.attempt, fastrand::f64()) }
    }
}

/// What the application decides; `None` if it panics.
fn decided(decide: &DecideRetry, lease: &Lease, error: &TaskError) -> Option<Option<Duration>> {
    let decided = catch_unwind(AssertUnwindSafe(|| decide(lease.attempt, error)));
    decided
        .map_err(|panic| {
            // Its own drop may panic again.
            mem::forget(panic);
            let (task, task_type) = (lease.id(), lease.task_type());
            tracing::error!(%task, task_type, "the closure that decides on retries of this task type panicked: the task is retried by the stored policy");
        })
        .ok()
}
