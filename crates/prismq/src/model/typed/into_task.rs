//! What can be enqueued.

use super::Task;
use crate::model::NewTask;

/// What can be enqueued as a task with a payload of type `T`: a value that is a [`Task`], a [`NewTask`], or a reference
/// to one of them.
///
/// It has a parameter, not an associated type, so that values and references to them can have it both.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be enqueued",
    label = "neither a `Task` nor a `NewTask`",
    note = "enqueue a value of a type that derives `prismq::Task`, or a `prismq::NewTask`"
)]
pub trait IntoTask<T> {
    /// The task to be enqueued.
    fn into_task(self) -> NewTask<T>;
}

impl<T> IntoTask<T> for NewTask<T> {
    fn into_task(self) -> NewTask<T> {
        self
    }
}

impl<T> IntoTask<T> for &NewTask<T> {
    fn into_task(self) -> NewTask<T> {
        self.clone()
    }
}

impl<T: Task> IntoTask<T> for T {
    fn into_task(self) -> NewTask<T> {
        self.task()
    }
}

impl<T: Task> IntoTask<T> for &T {
    fn into_task(self) -> NewTask<T> {
        self.task()
    }
}
