//! The handlers of a pool by task type, and running one: a panic is a failure of its task alone.

use std::any::Any;
use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::context::TaskContext;
use crate::model::TaskError;

type Handler = Box<dyn Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync>;

/// The handlers, each at the index by which the pool knows its type.
#[derive(Default)]
pub(super) struct Registry {
    indices: HashMap<Arc<str>, usize>,
    handlers: Vec<Handler>,
}

impl Registry {
    /// Adds a handler; `false` if the type already has one.
    pub(super) fn add(
        &mut self,
        task_type: Arc<str>,
        handler: impl Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync + 'static,
    ) -> bool {
        let index = self.handlers.len();
        let new = self.indices.insert(task_type, index).is_none();
        self.handlers.push(Box::new(handler));
        new
    }

    /// The types that have a handler.
    pub(super) fn types(&self) -> impl Iterator<Item = Arc<str>> {
        self.indices.keys().cloned()
    }

    /// How many types have a handler.
    pub(super) fn len(&self) -> usize {
        self.handlers.len()
    }

    /// The index of a type.
    pub(super) fn index(&self, task_type: &str) -> Option<usize> {
        self.indices.get(task_type).copied()
    }

    /// Runs the handler of the type with this index.
    pub(super) fn run(&self, index: usize, context: &TaskContext<'_>) -> Result<(), TaskError> {
        let Some(handler) = self.handlers.get(index) else {
            return Err(TaskError::new("no handler is registered for this type"));
        };
        catch_unwind(AssertUnwindSafe(|| handler(context))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("no message");
            let error = TaskError::new(format!("the handler panicked: {text}"));
            forget_panic(panic);
            Err(error)
        })
    }
}

/// Drops the value of a panic, whose own drop may panic.
pub(super) fn forget_panic(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(again);
    }
}
