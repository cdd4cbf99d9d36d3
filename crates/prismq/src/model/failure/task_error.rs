//! The error of a failed attempt.

use std::any::type_name;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::iter::successors;
use std::time::Duration;

use crate::model::limits::ERROR_BYTES_MAX;

/// What a handler returns: see [`Task::Output`](crate::Task::Output).
pub type TaskResult<T = ()> = Result<T, TaskError>;

/// Why an attempt did not succeed, and what becomes of the task.
///
/// By `?` and `.into()` it is made of any error, of `anyhow::Error`, `Box<dyn Error + Send + Sync>` and of texts. The
/// text kept with the task is then that of the error and of all its sources, and the attempt is retried by the
/// [`RetryPolicy`](crate::RetryPolicy) until the attempts are used up.
///
/// | made by | the task |
/// |---|---|
/// | `?`, [`TaskError::new`] | is retried by the policy |
/// | [`TaskError::retry_after`] | is retried after this delay |
/// | [`TaskError::permanent`] | is a dead letter at once |
/// | [`TaskError::snooze`] | runs later, and the attempt does not count |
/// | [`TaskError::cancel`] | ends as cancelled |
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::TaskError;
///
/// fn handle(payload: &[u8]) -> Result<(), TaskError> {
///     let address = std::str::from_utf8(payload)?; // retried by the policy
///     match address {
///         "" => Err(TaskError::permanent("no address")),
///         "busy" => Err(TaskError::snooze(Duration::from_secs(60))),
///         _ => Err(TaskError::new("greylisted").retry_after(Duration::from_secs(600))),
///     }
/// }
/// assert_eq!(handle(b"").unwrap_err().text(), "no address");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    pub(crate) text: Cow<'static, str>,
    pub(crate) retry: Retry,
    /// The type of the error it was made of, unless it was a text.
    error_type: Option<&'static str>,
}

/// What becomes of a task whose handler returned an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// A failed attempt, retried by the policy.
    ByPolicy,
    /// A failed attempt, retried after this delay.
    After(Duration),
    /// A failed attempt, and the last.
    Never,
    /// No attempt: the task runs after this delay.
    Snooze(Duration),
    /// The task is given up.
    Cancel,
}

impl TaskError {
    /// A failure that is retried by the policy.
    pub fn new(error: impl Into<Self>) -> Self {
        Self { retry: Retry::ByPolicy, ..error.into() }
    }

    /// A failure that is retried by the policy, with the texts of an error and its sources: for errors that `?` does
    /// not convert, such as a `Box<dyn Error>` that cannot be sent to another thread.
    ///
    /// # Examples
    /// ```
    /// use prismq::TaskError;
    ///
    /// fn parse(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
    ///     Ok(text.parse()?)
    /// }
    /// let error = parse("x").map_err(|error| TaskError::of(&*error)).unwrap_err();
    /// assert_eq!(error.text(), "invalid digit found in string");
    /// ```
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self { text: text_of_chain(error).into(), retry: Retry::ByPolicy, error_type: None }
    }

    /// A failure that no retry would fix: the task becomes a dead letter at once.
    pub fn permanent(error: impl Into<Self>) -> Self {
        Self { retry: Retry::Never, ..error.into() }
    }

    /// No failure: the task cannot run now, and does so after this delay. The attempt does not count, and no error is
    /// recorded. With a delay of zero it is ready at once, for the next worker that is free, in any process.
    #[must_use]
    pub const fn snooze(delay: Duration) -> Self {
        Self { text: Cow::Borrowed("snoozed"), retry: Retry::Snooze(delay), error_type: None }
    }

    /// The task is no longer wanted: it ends as cancelled, and is not run again. If its queue keeps cancelled tasks
    /// ([`Retention`](crate::Retention)), this text is kept with it.
    pub fn cancel(reason: impl Into<Self>) -> Self {
        Self { retry: Retry::Cancel, ..reason.into() }
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

    /// Whether it puts the task off.
    pub(crate) const fn is_snooze(&self) -> bool {
        matches!(self.retry, Retry::Snooze(_))
    }

    /// Whether the attempt failed, as opposed to one that does not count or a task that is given up.
    pub(crate) const fn is_failure(&self) -> bool {
        !matches!(self.retry, Retry::Snooze(_) | Retry::Cancel)
    }

    /// The text kept with the task: that of the error, then those of its sources, separated by `: `. At most
    /// [`ERROR_BYTES_MAX`](crate::limits::ERROR_BYTES_MAX) bytes of it are kept.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The Rust type of the error it was made of, as its path; `None` if it was made of a text.
    #[must_use]
    pub const fn error_type(&self) -> Option<&'static str> {
        self.error_type
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for TaskError {
    fn from(error: E) -> Self {
        let error_type = (!is_text(type_name::<E>())).then(type_name::<E>);
        Self { error_type, ..Self::of(&*error.into()) }
    }
}

/// Whether the type of this name is one of the texts that convert to an error.
fn is_text(name: &str) -> bool {
    [type_name::<&str>(), type_name::<String>(), type_name::<Cow<'_, str>>()].contains(&name)
}

/// Most sources of an error that are looked at: a chain may have no end.
const SOURCES_MAX: usize = 64;

/// The texts of an error and its sources, cut at [`ERROR_BYTES_MAX`]. A source whose text ends that of the error above
/// it is left out, as many errors print their source themselves.
fn text_of_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for source in successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source())
        .take(SOURCES_MAX)
    {
        let source = source.to_string();
        if !text.ends_with(&source) {
            text.push_str(": ");
            text.push_str(&source);
        }
        if text.len() > ERROR_BYTES_MAX {
            break;
        }
    }
    text.truncate(text.floor_char_boundary(ERROR_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use std::fmt::{Display, Formatter};
    use std::io;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// An error with a source, which it prints itself or does not.
    #[derive(Debug)]
    struct Outer {
        text: &'static str,
        source: io::Error,
    }

    impl Display for Outer {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str(self.text)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.source)
        }
    }

    fn outer(text: &'static str) -> Outer {
        Outer { text, source: io::Error::other("refused") }
    }

    #[test]
    fn the_text_has_all_sources_once_each() {
        let source_not_printed = TaskError::from(outer("cannot connect"));
        assert_eq!(source_not_printed.text(), "cannot connect: refused");
        let source_printed = TaskError::from(outer("cannot connect: refused"));
        assert_eq!(source_printed.text(), "cannot connect: refused");
    }

    #[test]
    fn the_type_of_the_error_is_kept_and_a_text_has_none() {
        let error = TaskError::from(outer("x"));
        assert_eq!(error.error_type(), Some(type_name::<Outer>()));
        for text in [TaskError::from("x"), "x".to_owned().into(), Cow::Borrowed("x").into()] {
            assert_eq!((text.text(), text.error_type()), ("x", None));
        }
    }

    #[test]
    fn question_mark_converts_boxes_and_errors_of_other_crates() {
        fn boxed() -> Result<(), TaskError> {
            let error: Box<dyn Error + Send + Sync> = outer("boxed").into();
            Err(error)?
        }
        fn anyhow() -> Result<(), TaskError> {
            Err(anyhow::Error::new(outer("inner")).context("outer"))?
        }
        assert_eq!(boxed().unwrap_err().text(), "boxed: refused");
        assert_eq!(anyhow().unwrap_err().text(), "outer: inner: refused");
    }

    /// An error that is its own source, and prints something else each time.
    #[derive(Debug, Default)]
    struct Endless(AtomicU32);

    impl Display for Endless {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "{:0999}", self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[test]
    fn a_chain_without_end_is_cut() {
        assert_eq!(TaskError::from(Endless::default()).text().len(), ERROR_BYTES_MAX);
    }

    #[test]
    fn the_last_word_on_a_retry_counts() {
        let later = Duration::from_secs(9);
        assert_eq!(TaskError::new(TaskError::permanent("x")).retry, Retry::ByPolicy);
        assert_eq!(TaskError::permanent(TaskError::snooze(later)).retry, Retry::Never);
        assert_eq!(TaskError::permanent("x").retry_after(later).retry, Retry::After(later));
        assert_eq!(TaskError::cancel(TaskError::permanent("x")).retry, Retry::Cancel);
    }
}
