//! Handlers by task type, and running one so that its panic is only its task's failure.

use std::any::Any;
use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::context::TaskContext;
use crate::model::TaskError;

type Handler = Box<dyn Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync>;

/// The handlers of a pool, each in a place that names its type.
#[derive(Default)]
pub(super) struct Registry {
    places: HashMap<Arc<str>, usize>,
    handlers: Vec<Handler>,
}

impl Registry {
    /// Adds a handler; `false` if the type already has one.
    pub(super) fn add(
        &mut self,
        task_type: Arc<str>,
        handler: impl Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync + 'static,
    ) -> bool {
        let place = self.handlers.len();
        let new = self.places.insert(task_type, place).is_none();
        self.handlers.push(Box::new(handler));
        new
    }

    /// The types that have a handler.
    pub(super) fn types(&self) -> impl Iterator<Item = Arc<str>> {
        self.places.keys().cloned()
    }

    /// How many types have a handler.
    pub(super) fn len(&self) -> usize {
        self.handlers.len()
    }

    /// The place of a type's handler.
    pub(super) fn place(&self, task_type: &str) -> Option<usize> {
        self.places.get(task_type).copied()
    }

    /// Runs the handler in this place.
    pub(super) fn run(&self, place: usize, context: &TaskContext<'_>) -> Result<(), TaskError> {
        let Some(handler) = self.handlers.get(place) else {
            return Err(TaskError::new("no handler is registered for this type"));
        };
        catch_unwind(AssertUnwindSafe(|| handler(context))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("without a text");
            let error = TaskError::new(format!("the handler panicked: {text}"));
            forget_panic(panic);
            Err(error)
        })
    }
}

/// Drops the value of a panic, whose drop may panic as well, as often as it likes.
pub(super) fn forget_panic(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(again);
    }
}
