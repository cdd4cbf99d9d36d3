//! What a handler says when an attempt failed.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A failed attempt: a text to keep with the task, and when to try again.
///
/// Anything printable becomes one with `?` or `.into()`, to be retried as the queue's
/// [`RetryPolicy`](crate::RetryPolicy) says until the attempts are used up.
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
    /// A failure that is tried again as the queue's policy says.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), retry: Retry::ByPolicy }
    }

    /// A failure that no further attempt would mend: the task becomes a dead letter at once.
    pub fn permanent(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), retry: Retry::Never }
    }

    /// Tries again after exactly this long, if an attempt is left.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry = Retry::After(delay);
        self
    }

    /// The same, with words in front that say what it came from.
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
