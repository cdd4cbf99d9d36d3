//! Handlers by task type, and running one so that its panic is only its task's failure.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::context::TaskContext;
use crate::failure::TaskError;

type Handler = Box<dyn Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync>;

/// The handlers of a pool.
#[derive(Default)]
pub(super) struct Registry {
    handlers: HashMap<Arc<str>, Handler>,
}

impl Registry {
    /// Adds a handler; `false` if the type already has one.
    pub(super) fn add(
        &mut self,
        task_type: Arc<str>,
        handler: impl Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync + 'static,
    ) -> bool {
        self.handlers.insert(task_type, Box::new(handler)).is_none()
    }

    /// The types that have a handler.
    pub(super) fn types(&self) -> impl Iterator<Item = Arc<str>> {
        self.handlers.keys().cloned()
    }

    /// Runs the handler of the task's type.
    pub(super) fn run(&self, context: &TaskContext<'_>) -> Result<(), TaskError> {
        let Some(handler) = self.handlers.get(context.task_type()) else {
            return Err(TaskError::new("no handler is registered for this type"));
        };
        catch_unwind(AssertUnwindSafe(|| handler(context))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("without a text");
            Err(TaskError::new(format!("the handler panicked: {text}")))
        })
    }
}
