//! Calling a handler: the value of its task and a context go in, and what the task results in comes out. The same for
//! values and for bytes, for handlers that block and for futures, in pools and in tests.

use std::any::Any;
#[cfg(any(feature = "testing", feature = "tokio"))]
use std::future::Future;
use std::mem;
use std::sync::Arc;

use super::Context;
use super::attempt::Attempt;
use super::registry::{Handler, Returned};
use crate::model::{
    Bytes, Payload, Task, TaskError, TaskResult, decode, encode_any, encode_output,
};

/// What a handler is called with: the payload of its task, as a value or as bytes.
pub(in crate::pool) trait Input: Sized + 'static {
    /// What the handler returns.
    type Output: 'static;

    fn of(payload: Payload) -> Result<Self, TaskError>;

    /// What the handler returned, as bytes to be kept.
    fn encode(output: &Self::Output) -> Returned;

    /// The same for a value that may be of another type.
    fn encode_any(value: &dyn Any) -> Returned;
}

impl<T: Task> Input for T {
    type Output = T::Output;

    fn of(payload: Payload) -> Result<Self, TaskError> {
        decode(&payload)
    }

    fn encode(output: &T::Output) -> Returned {
        encode_output::<T>(output)
    }

    fn encode_any(value: &dyn Any) -> Returned {
        encode_any::<T>(value)
    }
}

impl Input for Bytes {
    type Output = ();

    fn of(payload: Payload) -> Result<Self, TaskError> {
        Ok(Self(payload))
    }

    fn encode((): &()) -> Returned {
        Ok(None)
    }

    fn encode_any(_: &dyn Any) -> Returned {
        Ok(None)
    }
}

/// Calls a handler, and returns what it returned.
pub(in crate::pool) fn call<T: Input, S>(
    attempt: Attempt,
    state: &Arc<S>,
    handler: impl FnOnce(T, Context<S>) -> TaskResult<T::Output>,
) -> Returned {
    let (returned, attempt) = begin(attempt, state, handler)?;
    end::<T>(&attempt, returned)
}

/// Calls a handler. What it returns is to be passed to [`end`], or if it is a future to [`ended`], with the attempt.
pub(in crate::pool) fn begin<T: Input, S, R>(
    mut attempt: Attempt,
    state: &Arc<S>,
    handler: impl FnOnce(T, Context<S>) -> R,
) -> Result<(R, Arc<Attempt>), TaskError> {
    // Not kept longer than the handler keeps it.
    let payload = mem::replace(&mut attempt.lease.payload, Payload::unread());
    let value = T::of(payload)?;
    let attempt = Arc::new(attempt);
    let (state, encode) = (state.clone(), T::encode_any as _);
    let context = Context { attempt: attempt.clone(), state, encode };
    Ok((handler(value, context), attempt))
}

/// What a handler returned, once its future has ended.
#[cfg(any(feature = "testing", feature = "tokio"))]
pub(in crate::pool) async fn ended<T: Input>(
    attempt: Arc<Attempt>,
    running: impl Future<Output = TaskResult<T::Output>>,
) -> Returned {
    end::<T>(&attempt, running.await)
}

fn end<T: Input>(attempt: &Attempt, returned: TaskResult<T::Output>) -> Returned {
    Ok(T::encode(&returned?)?.or_else(|| attempt.result()))
}

impl Handler {
    /// A handler that blocks.
    pub(in crate::pool) fn blocking<T: Input, S: Send + Sync + 'static>(
        state: Arc<S>,
        handler: impl Fn(T, Context<S>) -> TaskResult<T::Output> + Send + Sync + 'static,
    ) -> Self {
        Self::Blocking(Box::new(move |attempt| call(attempt, &state, &handler)))
    }

    /// An asynchronous handler.
    #[cfg(feature = "tokio")]
    pub(in crate::pool) fn future<T: Input, S: Send + Sync + 'static, R>(
        state: Arc<S>,
        handler: impl Fn(T, Context<S>) -> R + Send + Sync + 'static,
    ) -> Self
    where
        R: Future<Output = TaskResult<T::Output>> + Send + 'static,
    {
        Self::Future(Box::new(move |attempt| {
            let (running, attempt) = begin::<T, S, R>(attempt, &state, &handler)?;
            Ok(Box::pin(ended::<T>(attempt, running)) as _)
        }))
    }
}
