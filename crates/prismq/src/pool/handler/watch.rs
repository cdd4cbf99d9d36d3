//! Futures that wait until a handler should stop: that of the handler itself, and those that it awaits.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::Context;
use super::cancel::{CancelReason, Place, StopFlags};

/// A future that waits for the flags of an attempt, until it is dropped.
#[derive(Debug)]
pub(in crate::pool) struct FlagWatch {
    flags: Arc<StopFlags>,
    place: Option<Place>,
}

impl FlagWatch {
    pub(in crate::pool) const fn new(flags: Arc<StopFlags>) -> Self {
        Self { flags, place: None }
    }

    /// Has the future woken when a flag is set, and returns the flags: what is set later is not missed.
    pub(in crate::pool) fn register(&mut self, waker: &Waker) -> &StopFlags {
        let (place, _replaced) = self.flags.register(self.place, waker.clone());
        self.place = Some(place);
        &self.flags
    }
}

impl Drop for FlagWatch {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.flags.unregister(place);
        }
    }
}

impl<S> Context<S> {
    /// Resolves once the handler should stop, with the reason: an asynchronous handler awaits it next to its work. At once
    /// if there is a reason already.
    ///
    /// # Examples
    /// ```
    /// # async fn work() {}
    /// use prismq::{Context, TaskError, TaskResult};
    ///
    /// async fn handle(cx: &Context) -> TaskResult {
    ///     tokio::select! {
    ///         () = work() => Ok(()),
    ///         reason = cx.until_cancelled() => Err(TaskError::new(format!("stopped: {reason:?}"))),
    ///     }
    /// }
    /// ```
    pub fn until_cancelled(&self) -> impl Future<Output = CancelReason> + Send + use<S> {
        let mut watch = FlagWatch::new(self.attempt.flags.clone());
        poll_fn(move |context| {
            watch.register(context.waker()).reason().map_or(Poll::Pending, Poll::Ready)
        })
    }
}
