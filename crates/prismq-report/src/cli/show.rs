//! Standard output, where whoever reads it may leave early.

use std::io::{ErrorKind, Write as _};

use prismq_report::conclude::Error;

/// Shows a text. A reader that has seen enough, such as `head`, is no failure.
pub(super) fn show(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}
