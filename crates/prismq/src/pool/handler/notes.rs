//! What a handler notes of its task, and where an earlier attempt stopped.

use std::future::Future;
use std::sync::Arc;

#[cfg(feature = "json")]
use serde::{Serialize, de::DeserializeOwned};

use super::Context;
use crate::model::Result;
#[cfg(feature = "json")]
use crate::model::{Error, TaskError};
use crate::queue::{Queue, Submission};

impl<S> Context<S> {
    /// Reports how far the task has come: a fraction from 0 to 1, and a text, both to be read by
    /// [`Queue::task`](crate::Queue::task).
    ///
    /// It only takes note, so that it can be called often: the last report is written with the task's result, or
    /// within [`NOTE_DELAY`](crate::limits::NOTE_DELAY). A power cut may lose it. A fraction out of range is brought
    /// into it, and a text longer than [`PROGRESS_BYTES_MAX`](crate::limits::PROGRESS_BYTES_MAX) is cut.
    pub fn progress(&self, fraction: f64, text: impl AsRef<str>) {
        self.attempt.progress(fraction, text.as_ref());
    }

    /// Logs a line with the task, to be read by [`Queue::task`](crate::Queue::task): the last
    /// [`LOG_LINES_MAX`](crate::limits::LOG_LINES_MAX) of a task are kept, over all its attempts.
    ///
    /// It is written as a progress is. A line longer than [`LOG_LINE_BYTES_MAX`](crate::limits::LOG_LINE_BYTES_MAX)
    /// is cut.
    pub fn log(&self, line: impl AsRef<str>) {
        self.attempt.log(line.as_ref());
    }

    /// Keeps where the handler is, as bytes, for the next attempt to [resume](Context::resume_bytes) from; the last
    /// checkpoint counts. Durable when this returns `Ok`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for more than
    /// [`CHECKPOINT_BYTES_MAX`](crate::limits::CHECKPOINT_BYTES_MAX);
    /// [`Error::LeaseLost`](crate::Error::LeaseLost) if the task is no longer held: another attempt may have begun; an
    /// engine's failure.
    pub fn checkpoint_bytes(&self, data: impl Into<Arc<[u8]>>) -> Result<()> {
        let checkpoint = self.attempt.checkpoint(data.into())?;
        self.attempt.core()?.submit(checkpoint).map(drop)
    }

    /// [`Context::checkpoint_bytes`] as a future, for asynchronous handlers: it blocks no thread.
    ///
    /// # Errors
    /// See there.
    pub fn checkpoint_bytes_async(&self, data: impl Into<Arc<[u8]>>) -> Submission<()> {
        match (self.attempt.checkpoint(data.into()), self.attempt.core()) {
            (Ok(checkpoint), Ok(core)) => {
                let submission = core.submit_async(checkpoint);
                Submission::new(Queue::new(core), submission, |_, _| Ok(()))
            }
            (Err(error), _) | (_, Err(error)) => Submission::answered(Err(error)),
        }
    }

    /// The last checkpoint of the task as bytes, of this attempt or an earlier one; `None` if there was none.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn resume_bytes(&self) -> Result<Option<Vec<u8>>> {
        self.attempt.resume()
    }

    /// [`Context::resume_bytes`] as a future, for asynchronous handlers: it reads on a thread of the queue's own.
    ///
    /// # Errors
    /// See there and [`Queue::blocking`].
    pub fn resume_bytes_async(
        &self,
    ) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send + use<S> {
        let attempt = self.attempt.clone();
        async move { attempt.core()?.run_blocking(move |_| attempt.resume())?.await? }
    }
}

#[cfg(feature = "json")]
impl<S> Context<S> {
    /// Keeps where the handler is, as JSON, for the next attempt to [resume](Context::resume) from; the last checkpoint
    /// counts. Durable when this returns `Ok`.
    ///
    /// # Errors
    /// A value that JSON cannot hold, or that is larger than
    /// [`CHECKPOINT_BYTES_MAX`](crate::limits::CHECKPOINT_BYTES_MAX); a lost lease: another attempt may have begun; an
    /// engine's failure.
    ///
    /// # Examples
    /// ```
    /// use prismq::{Context, Task, TaskResult};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Import {
    ///     lines: Vec<String>,
    /// }
    ///
    /// fn import(task: Import, cx: Context) -> TaskResult {
    ///     let done = cx.resume()?.unwrap_or(0); // where an earlier attempt stopped
    ///     for (number, line) in task.lines.iter().enumerate().skip(done) {
    ///         println!("importing {line}");
    ///         cx.progress(number as f64 / task.lines.len() as f64, "lines");
    ///         cx.checkpoint(&(number + 1))?;
    ///     }
    ///     Ok(())
    /// }
    /// # let _: fn(Import, Context) -> TaskResult = import;
    /// ```
    pub fn checkpoint(&self, value: &impl Serialize) -> Result<(), TaskError> {
        let data = serde_json::to_vec(value)?;
        Ok(self.checkpoint_bytes(data)?)
    }

    /// [`Context::checkpoint`] as a future, for asynchronous handlers: it blocks no thread.
    ///
    /// # Errors
    /// See there.
    ///
    /// # Examples
    /// ```
    /// use prismq::{Context, Task, TaskResult};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Import {
    ///     lines: Vec<String>,
    /// }
    ///
    /// async fn import(task: Import, cx: Context) -> TaskResult {
    ///     let done = cx.resume_async().await?.unwrap_or(0);
    ///     for (number, line) in task.lines.iter().enumerate().skip(done) {
    ///         println!("importing {line}");
    ///         cx.checkpoint_async(&(number + 1)).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn checkpoint_async(&self, value: &impl Serialize) -> Submission<()> {
        match serde_json::to_vec(value) {
            Ok(data) => self.checkpoint_bytes_async(data),
            Err(error) => {
                let reason = format!("cannot be encoded as JSON: {error}");
                Submission::answered(Err(Error::invalid("checkpoint", reason)))
            }
        }
    }

    /// The last checkpoint of the task, of this attempt or an earlier one; `None` if there was none.
    ///
    /// # Errors
    /// A checkpoint that is not a valid `T`, as one of another version of the program; an engine's failure.
    pub fn resume<T: DeserializeOwned>(&self) -> Result<Option<T>, TaskError> {
        self.resume_bytes()?.map(|data| decoded(&data)).transpose()
    }

    /// [`Context::resume`] as a future, for asynchronous handlers: it reads on a thread of the queue's own.
    ///
    /// # Errors
    /// See there and [`Queue::blocking`].
    pub fn resume_async<T: DeserializeOwned>(
        &self,
    ) -> impl Future<Output = Result<Option<T>, TaskError>> + Send + use<S, T> {
        let data = self.resume_bytes_async();
        async move { data.await?.map(|data| decoded(&data)).transpose() }
    }
}

#[cfg(feature = "json")]
fn decoded<T: DeserializeOwned>(checkpoint: &[u8]) -> Result<T, TaskError> {
    serde_json::from_slice(checkpoint).map_err(|error| {
        TaskError::new(error).in_context(format_args!("the checkpoint cannot be read"))
    })
}
