//! The handlers of a pool by task type, and running one: a panic is a failure of its task alone.

use std::any::Any;
use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "tokio")]
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use crate::core::{DecideRetry, RetryRule};
use crate::model::{RetryPolicy, TaskError, TaskOptions};

/// What a handler returned, as bytes to be kept as the task's result.
pub(in crate::pool) type Returned = Result<Option<Arc<[u8]>>, TaskError>;

/// What runs the attempts at tasks of one type.
pub(in crate::pool) enum Handler {
    /// It blocks the thread that calls it.
    Blocking(Box<dyn Fn(Attempt) -> Returned + Send + Sync>),
    /// It returns a future, or an error if the attempt fails before that.
    #[cfg(feature = "tokio")]
    Future(Box<dyn Fn(Attempt) -> Result<RunningHandler, TaskError> + Send + Sync>),
}

/// An attempt as a future.
#[cfg(feature = "tokio")]
pub(in crate::pool) type RunningHandler = Pin<Box<dyn Future<Output = Returned> + Send>>;

/// The handlers, each at the index by which the pool knows its type.
#[derive(Default)]
pub(in crate::pool) struct Registry {
    indices: HashMap<Arc<str>, usize>,
    handlers: Vec<(Handler, TaskOptions)>,
    /// What decides on the retries of a type in place of its policy.
    retries: HashMap<Arc<str>, Box<DecideRetry>>,
}

impl Registry {
    /// Adds a handler; `false` if the type already has one.
    pub(in crate::pool) fn add(
        &mut self,
        task_type: Arc<str>,
        options: TaskOptions,
        handler: Handler,
    ) -> bool {
        let index = self.handlers.len();
        let new = self.indices.insert(task_type, index).is_none();
        self.handlers.push((handler, options));
        new
    }

    /// The types that have a handler.
    pub(in crate::pool) fn types(&self) -> impl Iterator<Item = Arc<str>> {
        self.indices.keys().cloned()
    }

    /// The options of the types, in the order of their indices.
    pub(in crate::pool) fn options(&self) -> impl Iterator<Item = &TaskOptions> {
        self.handlers.iter().map(|(_, options)| options)
    }

    /// The types whose handlers have a retry policy of their own, with it.
    pub(in crate::pool) fn policies(&self) -> impl Iterator<Item = (Arc<str>, RetryPolicy)> {
        let policy = |(name, index): (&Arc<str>, &usize)| {
            let (_, options) = self.handlers.get(*index)?;
            Some((name.clone(), options.backoff?))
        };
        self.indices.iter().filter_map(policy)
    }

    /// The types whose tasks are kept for a time of their own, with it.
    pub(in crate::pool) fn kept(&self) -> impl Iterator<Item = (Arc<str>, Duration)> {
        let kept = |(name, index): (&Arc<str>, &usize)| {
            let (_, options) = self.handlers.get(*index)?;
            Some((name.clone(), options.keep?))
        };
        self.indices.iter().filter_map(kept)
    }

    /// Sets what decides on the retries of a type.
    pub(in crate::pool) fn set_retry(&mut self, task_type: Arc<str>, decide: Box<DecideRetry>) {
        self.retries.insert(task_type, decide);
    }

    /// A type whose retries are decided on, but that has no handler.
    pub(in crate::pool) fn retry_without_handler(&self) -> Option<&str> {
        self.retries.keys().map(|name| &**name).find(|name| self.index(name).is_none())
    }

    /// When failed attempts at tasks of this type are retried.
    pub(in crate::pool) fn retry_rule(&self, task_type: &str) -> RetryRule<'_> {
        let handler = self.index(task_type).and_then(|index| self.handlers.get(index));
        RetryRule {
            decide: self.retries.get(task_type).map(|decide| &**decide),
            policy: handler.and_then(|(_, options)| options.backoff.as_ref()),
        }
    }

    /// The index of a type.
    pub(in crate::pool) fn index(&self, task_type: &str) -> Option<usize> {
        self.indices.get(task_type).copied()
    }

    /// Whether a type's handler is a future.
    #[cfg(feature = "tokio")]
    pub(in crate::pool) fn has_futures(&self) -> bool {
        (0..self.handlers.len()).any(|index| self.is_future(index))
    }

    /// Whether the handler of the type with this index is a future.
    #[cfg(feature = "tokio")]
    pub(in crate::pool) fn is_future(&self, index: usize) -> bool {
        matches!(self.handlers.get(index), Some((Handler::Future(_), _)))
    }

    /// The future of an attempt at a task of the type with this index.
    #[cfg(feature = "tokio")]
    pub(in crate::pool) fn start(
        &self,
        index: usize,
        attempt: Attempt,
    ) -> Result<RunningHandler, TaskError> {
        let Some((Handler::Future(handler), _)) = self.handlers.get(index) else {
            return Err(no_handler());
        };
        let started = catch_unwind(AssertUnwindSafe(|| handler(attempt)));
        started.unwrap_or_else(|panic| Err(panicked(panic)))
    }

    /// Runs the handler of the type with this index, which blocks.
    pub(in crate::pool) fn run(&self, index: usize, attempt: Attempt) -> Returned {
        let Some((Handler::Blocking(handler), _)) = self.handlers.get(index) else {
            return Err(no_handler());
        };
        let returned = catch_unwind(AssertUnwindSafe(|| handler(attempt)));
        returned.unwrap_or_else(|panic| Err(panicked(panic)))
    }
}

fn no_handler() -> TaskError {
    TaskError::new("no handler is registered for this type")
}

/// The error of an attempt whose handler panicked.
pub(in crate::pool) fn panicked(panic: Box<dyn Any + Send>) -> TaskError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let error = TaskError::new(format!("the handler panicked: {text}"));
    forget_panic(panic);
    error
}

/// Drops the value of a panic, whose own drop may panic.
pub(in crate::pool) fn forget_panic(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(again);
    }
}
