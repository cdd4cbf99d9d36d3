//! A suite record that cannot be read, and which run it is of, as far as its text and its name show.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::gather::Selection;
use super::name::{stamp, stamp_of};
use crate::record::SuiteRecord;

/// Bytes from the beginning of a file in which a record names its run.
const HEAD_BYTES: u64 = 64 << 10;

/// A file that is named as a suite's record and cannot be read as one.
#[derive(Debug)]
pub(super) struct Unread {
    path: PathBuf,
    /// The run its text names.
    run_id: Option<String>,
    /// Why it cannot be read.
    pub(super) error: FileError,
}

/// From the beginning of a run's first suite to the end of its last, as stamps of file names.
#[derive(Debug)]
pub(super) struct Span {
    begin: String,
    end: String,
}

impl Span {
    /// The span of these records; `None` of none.
    pub(super) fn of(records: &[(SuiteRecord, PathBuf)]) -> Option<Self> {
        let begin = records.iter().map(|(record, _)| record.started_at).min()?;
        let end = records.iter().map(|(record, _)| record.ended_at).max()?;
        Some(Self { begin: stamp(begin), end: stamp(end) })
    }
}

impl Unread {
    pub(super) fn new(path: &Path, error: FileError) -> Self {
        Self { path: path.to_owned(), run_id: run_id(path), error }
    }

    /// Whether it may be a record of the run that is asked for, whose readable records span `span`. If the
    /// text names a run, that decides, else the time in the file's name.
    pub(super) fn may_be_of(&self, id: &str, asked: &Selection, span: Option<&Span>) -> bool {
        let latest = *asked == Selection::Latest;
        if let Some(own) = &self.run_id {
            // Ids are ULIDs, whose order is that of time: the latest run may be one that cannot be read.
            return own == id || latest && own.as_str() > id;
        }
        let name = self.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        span.zip(stamp_of(name)).is_some_and(|(span, stamp)| {
            stamp >= span.begin.as_str() && (latest || stamp <= span.end.as_str())
        })
    }
}

/// The run that a text names, even if the text is not a record.
pub(super) fn run_id(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    let (_, rest) = head.split_once("\"run_id\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (id, _) = rest.split_once('"')?;
    Some(id.to_owned())
}
