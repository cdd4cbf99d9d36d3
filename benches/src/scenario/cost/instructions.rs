//! How many instructions an operation takes, counted by valgrind's callgrind: a figure without noise,
//! without the disk, locks and contention.
//!
//! A process of its own does the operation N times, another one 2 N times. The difference is that of
//! N operations: what starting, opening and ending take is in both. N is so small that the WAL is
//! never copied back, which would happen at another moment each time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use crate::base::error::{Error, Result};
use crate::base::number::as_f64;
use crate::load::tasks::{fill, numbered};
use crate::process::{COUNTED_TYPE, CountRole, Operation, Role, run_under};
use crate::scenario::stage::Stage;
use crate::subject::OpenOptions;

/// Instructions of one operation by this many and twice as many, or why they cannot be counted. Both processes run at
/// once: neither is measured by time.
///
/// # Errors
/// If no database can be prepared.
pub fn per_operation(
    stage: &Stage,
    operation: Operation,
    times: usize,
) -> Result<std::result::Result<f64, String>> {
    let ready = 2 * times;
    let of = |times| -> Result<Count> {
        let (directory, path) = prepared(stage, ready)?;
        Ok(Count { directory, role: CountRole { operation, times, ready, path } })
    };
    let (few, many) = (of(times)?, of(2 * times)?);
    let (few, many) = thread::scope(|scope| {
        let few = scope.spawn(|| few.run());
        let many = many.run();
        (few.join().map_err(|_| Error::Panicked { what: "a count of instructions" }), many)
    });
    let (few, many) = match (few??, many?) {
        (Ok(few), Ok(many)) => (few, many),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
    };
    Ok(Ok(as_f64(many.saturating_sub(few)) / as_f64(u64::try_from(times).unwrap_or(u64::MAX))))
}

/// A process that does an operation so often, with the database that it uses.
struct Count {
    directory: TempDir,
    role: CountRole,
}

impl Count {
    /// Instructions of the whole process.
    fn run(self) -> Result<std::result::Result<u64, String>> {
        let counts = self.directory.path().join("callgrind.out");
        let mut valgrind = Command::new("valgrind");
        valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", counts.display()));
        Ok(run_under(valgrind, &Role::Count(self.role))?.and_then(|()| read(&counts)))
    }
}

/// A database with this many tasks, in a directory that is removed with the first of the two. It is closed, so
/// that the process which opens it always finds the same file.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn prepared(stage: &Stage, ready: usize) -> Result<(TempDir, PathBuf)> {
    let directory = stage.bench_dir().fresh()?;
    let path = directory.path().join("queue.db");
    let subject = stage.kind().open(&path, OpenOptions::durable(1))?;
    fill(&*subject, &numbered(COUNTED_TYPE, ready), ready)?;
    drop(subject);
    Ok((directory, path))
}

fn read(counts: &Path) -> std::result::Result<u64, String> {
    let text = fs::read_to_string(counts)
        .map_err(|error| format!("callgrind wrote no {}: {error}", counts.display()))?;
    total(&text).ok_or_else(|| "callgrind's file has no line \"totals\"".to_owned())
}

/// Callgrind ends its file with `totals: INSTRUCTIONS`.
fn total(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("totals:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_the_last_word_of_callgrind() {
        let text = "version: 1\nevents: Ir\nsummary: 17\n\nfn=(1) main\n0 17\n\ntotals: 123456\n";
        assert_eq!(total(text), Some(123_456));
        assert_eq!(total("version: 1\nevents: Ir\n"), None);
    }
}
