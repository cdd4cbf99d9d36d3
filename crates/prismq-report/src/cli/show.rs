//! Where a command's answer goes: standard output, whose reader may leave early, or a file.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use prismq_record::files::FileError;

use crate::conclude::Error;

/// Shows a text. A reader that has seen enough, such as `head`, is no failure.
pub(super) fn show(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Says on standard error what was passed over.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

/// Writes a text to the file that was named, else shows it.
pub(super) fn deliver(text: &str, output: Option<&PathBuf>) -> Result<(), Error> {
    match output {
        Some(path) => write(path, text),
        None => show(text),
    }
}

/// Writes a file that was named, in place of what it held.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text)
        .map_err(|source| FileError::Write { path: path.to_owned(), source }.into())
}
