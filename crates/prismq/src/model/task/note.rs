//! What a handler notes of its task while it runs: progress, a checkpoint, log lines.

use std::sync::Arc;

use crate::model::limits::{CHECKPOINT_BYTES_MAX, LOG_LINE_BYTES_MAX, PROGRESS_BYTES_MAX};
use crate::model::{Error, Result};
use crate::time::Timestamp;

/// How far a task has come, as its handler reported it last.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The part that is done, 0 to 1.
    pub fraction: f64,
    /// What the handler said of it.
    pub text: String,
    /// When it was reported.
    pub at: Timestamp,
}

/// A line that a handler has logged with its task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// When it was logged.
    pub at: Timestamp,
    /// The attempt that logged it, from 1.
    pub attempt: u32,
    /// The line.
    pub text: String,
}

/// What a handler has noted since it was last written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Note {
    pub(crate) progress: Option<Progress>,
    pub(crate) checkpoint: Option<Arc<[u8]>>,
    pub(crate) lines: Vec<LogLine>,
}

impl Progress {
    /// A progress within its bounds: a fraction that is not a number counts as 0, and a long text is cut.
    pub(crate) fn new(fraction: f64, text: &str, at: Timestamp) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        Self { fraction, text: cut(text, PROGRESS_BYTES_MAX), at }
    }
}

impl LogLine {
    /// A line within its bounds: a long one is cut.
    pub(crate) fn new(at: Timestamp, attempt: u32, text: &str) -> Self {
        Self { at, attempt, text: cut(text, LOG_LINE_BYTES_MAX) }
    }
}

/// The beginning of a text, up to this many bytes.
fn cut(text: &str, bytes_max: usize) -> String {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text).to_owned()
}

pub(crate) fn validate_checkpoint(data: &[u8]) -> Result<()> {
    if data.len() > CHECKPOINT_BYTES_MAX {
        let bytes = data.len();
        return Err(Error::invalid(
            "checkpoint",
            format!("{bytes} bytes, at most {CHECKPOINT_BYTES_MAX} are allowed"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_clamped_and_a_text_cut_at_a_character() {
        let fraction = |fraction| Progress::new(fraction, "", Timestamp::default()).fraction;
        let given = [f64::NAN, -1.0, 0.25, 7.0, f64::INFINITY].map(fraction);
        assert_eq!(given, [0.0, 0.0, 0.25, 1.0, 1.0]);
        let long = "ä".repeat(PROGRESS_BYTES_MAX);
        let text = Progress::new(0.0, &long, Timestamp::default()).text;
        assert_eq!(text, "ä".repeat(PROGRESS_BYTES_MAX / 2));
        let line = LogLine::new(Timestamp::default(), 1, &"b".repeat(2 * LOG_LINE_BYTES_MAX));
        assert_eq!(line.text.len(), LOG_LINE_BYTES_MAX);
    }
}
