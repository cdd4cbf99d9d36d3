//! Writes the output of a command to standard output or to a file.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use prismq_record::files::FileError;

use crate::conclude::Error;

/// Writes a text to standard output. A reader that closes it early, such as `head`, is not a failure.
pub(super) fn show(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Writes warnings to standard error.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

/// Writes a text to the named file, else to standard output.
pub(crate) fn deliver(text: &str, output: Option<&PathBuf>) -> Result<(), Error> {
    match output {
        Some(path) => write(path, text),
        None => show(text),
    }
}

/// Writes a file, replacing its content.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text)
        .map_err(|source| FileError::Write { path: path.to_owned(), source }.into())
}
