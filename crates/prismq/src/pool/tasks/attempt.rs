//! An attempt in a slot: its future, and what is recorded if the future does not come to its end.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tracing::Span;

use crate::model::{Lease, TaskError};
use crate::pool::handler::{
    FlagWatch, Returned, RunningHandler, StopFlags, forget_panic, panicked,
};
use crate::pool::scheduler::{Run, Settle, Settlement};
use crate::pool::shared::Shared;
use crate::pool::threads::caller;

/// An attempt that a slot has begun. If it is dropped, as the runtime shuts down, the task is released.
pub(super) struct Begun {
    shared: Arc<Shared>,
    slot: usize,
    /// There until it has ended.
    lease: Option<Lease>,
    flags: Arc<StopFlags>,
    at: Instant,
}

impl Begun {
    /// An attempt that begins now; to settle it, the payload is not needed.
    pub(super) fn new(
        shared: Arc<Shared>,
        slot: usize,
        lease: Lease,
        flags: Arc<StopFlags>,
    ) -> Self {
        Self { shared, slot, lease: Some(lease), flags, at: Instant::now() }
    }

    /// It ended: what is to be reported to the scheduler.
    pub(super) fn end(mut self, action: Settle) -> Option<Settlement> {
        self.settlement(action)
    }

    /// Its handler returned: what is to be reported to the scheduler.
    pub(super) fn end_with(mut self, returned: Returned) -> Option<Settlement> {
        let action = self.action(returned)?;
        self.settlement(action)
    }

    /// Its handler returned, which is reported to the scheduler.
    pub(super) fn finish(mut self, returned: Returned) {
        if let Some(action) = self.action(returned) {
            self.report(action);
        }
    }

    fn action(&self, returned: Returned) -> Option<Settle> {
        let lease = self.lease.as_ref()?;
        Some(Settle::returned(&self.flags, lease.id(), returned))
    }

    fn settlement(&mut self, action: Settle) -> Option<Settlement> {
        let lease = self.lease.take()?;
        let run = Run { worker: self.slot, began_at: self.at, took: self.at.elapsed() };
        Some(Settlement { lease, run: Some(run), action })
    }

    fn report(&mut self, action: Settle) {
        let Some(settlement) = self.settlement(action) else { return };
        let now = Instant::now();
        let mut scheduler = self.shared.scheduler();
        scheduler.finish(settlement, now);
        if scheduler.must_wake_leader(now) {
            self.shared.leader_signal.raise();
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // A handler that has completed its task by itself has nothing to release.
        let action = if self.flags.completed() { Settle::Completed } else { Settle::Release };
        self.report(action);
    }
}

/// Runs the future of a handler, which `start` returns. A panic in it is a failed attempt, and it is dropped if it goes
/// on after its time limit and the grace.
pub(super) async fn run(
    shared: &Shared,
    slot: usize,
    flags: Arc<StopFlags>,
    span: Span,
    start: impl FnOnce() -> Result<RunningHandler, TaskError>,
) -> Returned {
    let handler = {
        let _caller = caller::enter(shared, slot);
        span.in_scope(start)?
    };
    HandlerFuture { shared, slot, span, watch: FlagWatch::new(flags), handler: Some(handler) }.await
}

struct HandlerFuture<'a> {
    shared: &'a Shared,
    slot: usize,
    /// Entered while it is polled.
    span: Span,
    watch: FlagWatch,
    /// Dropped as soon as it has ended.
    handler: Option<RunningHandler>,
}

impl Future for HandlerFuture<'_> {
    type Output = Returned;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, slot, span, watch, handler } = &mut *self;
        let _caller = caller::enter(shared, *slot);
        let _entered = span.enter();
        if watch.register(context.waker()).is_given_up() {
            drop_handler(handler.take());
            // The attempt is recorded already.
            return Poll::Ready(Err(TaskError::new("dropped after its time limit")));
        }
        let Some(running) = handler else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(panic)),
        };
        drop_handler(handler.take());
        Poll::Ready(result)
    }
}

impl Drop for HandlerFuture<'_> {
    fn drop(&mut self) {
        let _caller = caller::enter(self.shared, self.slot);
        let _entered = self.span.enter();
        drop_handler(self.handler.take());
    }
}

/// Drops a future, which is the application's and may panic in its drop.
fn drop_handler(handler: Option<RunningHandler>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
        forget_panic(panic);
    }
}
