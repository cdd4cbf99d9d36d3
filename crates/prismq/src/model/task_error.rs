//! The error of a failed attempt.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Why an attempt failed: a text to keep with the task, and when to retry.
///
/// Any type that implements `Display` converts to it by `?` or `.into()`, and is then retried by the queue's
/// [`RetryPolicy`](crate::RetryPolicy) until the attempts are used up.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::TaskError;
///
/// fn handle(payload: &[u8]) -> Result<(), TaskError> {
///     let address = std::str::from_utf8(payload)?; // retried by the queue's policy
///     if address.is_empty() {
///         return Err(TaskError::permanent("no address")); // a dead letter at once
///     }
///     Err(TaskError::new("greylisted").retry_after(Duration::from_secs(600)))
/// }
/// assert_eq!(handle(b"").unwrap_err().text(), "no address");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    pub(crate) text: Cow<'static, str>,
    pub(crate) retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    ByPolicy,
    After(Duration),
    Never,
}

impl TaskError {
    /// A failure that is retried by the queue's policy.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), retry: Retry::ByPolicy }
    }

    /// A failure that no retry would fix: the task becomes a dead letter at once.
    pub fn permanent(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), retry: Retry::Never }
    }

    /// Retries after exactly this delay, if an attempt is left.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry = Retry::After(delay);
        self
    }

    /// The same error with a context in front of its text.
    pub(crate) fn in_context(self, context: impl fmt::Display) -> Self {
        Self { text: format!("{context}: {}", self.text).into(), ..self }
    }

    /// The text kept with the task.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<E: fmt::Display> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}
