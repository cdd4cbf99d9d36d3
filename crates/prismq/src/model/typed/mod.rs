//! Typed tasks: a Rust type as the payload of a task type, with a codec and defaults.
//!
//! What is stored and claimed is bytes under a name; types end here and in the handlers of a pool
//! ([`crate::WorkerPoolBuilder::handle`]).

mod codec;
mod into_task;
#[cfg(feature = "json")]
mod json;
mod options;

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;

pub use self::codec::Codec;
pub use self::into_task::IntoTask;
#[cfg(feature = "json")]
pub use self::json::Json;
pub use self::options::TaskOptions;
use crate::model::{Error, NewTask, TaskError, TaskId, validate_result};

/// A type whose values are tasks.
///
/// Derive it (feature `derive`, on by default), or implement it by hand.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Json, Queue, RetryPolicy, Task, TaskOptions};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Welcome {
///     user: i64,
/// }
///
/// impl Task for Welcome {
///     const TYPE: &'static str = "welcome";
///     type Output = ();
///     type Codec = Json;
///
///     fn options() -> TaskOptions {
///         TaskOptions::new().queue("mail").backoff(RetryPolicy::fixed(Duration::from_secs(60)))
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// queue.enqueue(Welcome { user: 7 })?;
/// queue.enqueue(Welcome { user: 8 }.task().priority(10))?;
/// assert_eq!(queue.stats("mail")?.ready, 2);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task: the trait `prismq::Task` is not implemented for it",
    label = "not a task",
    note = "derive it: `#[derive(prismq::Task, serde::Serialize, serde::Deserialize)]`"
)]
pub trait Task: Sized + Send + 'static {
    /// The name under which its tasks are stored and claimed, 1 to
    /// [`NAME_BYTES_MAX`](crate::limits::NAME_BYTES_MAX) bytes. Tasks already in the file keep the name they were
    /// enqueued with: renaming the Rust type is safe only if this stays.
    const TYPE: &'static str;

    /// What its handler returns; `()` for most.
    type Output: Send + 'static;

    /// How values, and what their handler returns, become bytes; `Json` unless there is a reason.
    type Codec: Codec<Self> + Codec<Self::Output>;

    /// The defaults of its tasks and of its handler. [`NewTask`]'s methods override them for one task.
    #[must_use]
    fn options() -> TaskOptions {
        TaskOptions::new()
    }

    /// This value as a task to be enqueued, with the defaults of its type, to be changed by [`NewTask`]'s methods.
    ///
    /// If it cannot be encoded, enqueueing the task returns
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) with the codec's reason.
    #[must_use]
    fn task(&self) -> NewTask<Self> {
        let task = match <Self::Codec as Codec<Self>>::encode(self) {
            Ok(payload) => NewTask::new(Self::TYPE, payload),
            Err(error) => {
                let unencodable = Some(Arc::from(TaskError::of(&*error).text()));
                NewTask { unencodable, ..NewTask::new(Self::TYPE, []) }
            }
        };
        Self::options().apply(task).with_payload_type()
    }
}

/// The value of a payload. One that does not decode will not at the next attempt either, so that the error is
/// permanent.
pub(crate) fn decode<T: Task>(payload: &[u8]) -> Result<T, TaskError> {
    <T::Codec as Codec<T>>::decode(payload).map_err(|error| {
        let context = format!("the payload is not a valid {:?} ({})", T::TYPE, type_name::<T>());
        TaskError::permanent(TaskError::of(&*error).in_context(context))
    })
}

/// What a task's handler returned, as bytes to be kept as the task's result; none of `()`.
pub(crate) fn encode_output<T: Task>(output: &T::Output) -> Result<Option<Arc<[u8]>>, TaskError> {
    if TypeId::of::<T::Output>() == TypeId::of::<()>() {
        return Ok(None);
    }
    let encoded = <T::Codec as Codec<T::Output>>::encode(output).map_err(|error| {
        let context = format!("the output of {:?} cannot be encoded", T::TYPE);
        TaskError::permanent(TaskError::of(&*error).in_context(context))
    })?;
    validate_result(&encoded).map_err(TaskError::permanent)?;
    Ok(Some(encoded.into()))
}

/// The same for a value that may be of another type than a task's output, and is then no result.
pub(crate) fn encode_any<T: Task>(value: &dyn Any) -> Result<Option<Arc<[u8]>>, TaskError> {
    value.downcast_ref::<T::Output>().map_or(Ok(None), encode_output::<T>)
}

/// A result as the output of its task.
pub(crate) fn decode_output<T: Task>(id: TaskId, result: &[u8]) -> crate::model::Result<T::Output> {
    <T::Codec as Codec<T::Output>>::decode(result).map_err(|error| {
        let reason = format!(
            "that of task {id} is not a valid output of {:?} ({}): {}",
            T::TYPE,
            type_name::<T::Output>(),
            TaskError::of(&*error).text()
        );
        Error::invalid("result", reason)
    })
}
