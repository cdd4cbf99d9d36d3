//! Slowed syncs: `strace` delays every sync of a driver and its servers, and lists them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::launch::Launch;

/// How much later each sync begins.
const DELAY: Duration = Duration::from_millis(20);
const SYNCS: [&str; 4] = ["fsync", "fdatasync", "msync", "sync_file_range"];

/// Why syncs cannot be slowed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(String);

/// Whether this machine has `strace` and lets it trace.
///
/// # Errors
/// Why not.
pub fn availability() -> Result<(), Unavailable> {
    let probe = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-e", "trace=fsync", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output();
    match probe {
        Err(error) => Err(Unavailable(format!("strace cannot be run: {error}"))),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let reason = said.lines().next().unwrap_or_default().trim();
            Err(Unavailable(format!("strace cannot trace here: {reason}")))
        }
    }
}

/// What the kernel was asked to sync, and when, as `strace` lists it.
#[derive(Debug)]
pub struct Syncs {
    list: PathBuf,
}

impl Syncs {
    /// How long each sync is held back.
    pub const DELAY: Duration = DELAY;

    /// The same driver with each sync held back; the list is made in this directory.
    #[must_use]
    pub fn slowed(launch: Launch, directory: &Path) -> (Launch, Self) {
        let list = directory.join("syncs.strace");
        let all = SYNCS.join(",");
        let arguments: Vec<OsString> = vec![
            "-f".into(),
            "-qq".into(),
            "--seccomp-bpf".into(),
            "-ttt".into(),
            "-e".into(),
            format!("trace={all},openat,io_uring_setup").into(),
            "-e".into(),
            format!(
                "inject=fsync,fdatasync,msync,sync_file_range:delay_enter={}",
                DELAY.as_micros()
            )
            .into(),
            "-o".into(),
            list.clone().into(),
            "--".into(),
        ];
        (launch.under("strace", arguments), Self { list })
    }

    /// How many syncs are listed.
    #[must_use]
    pub fn count(&self) -> u64 {
        let listed = fs::read_to_string(&self.list).unwrap_or_default();
        let syncs = listed.lines().filter(|line| SYNCS.iter().any(|call| begins(line, call)));
        u64::try_from(syncs.count()).unwrap_or(u64::MAX)
    }

    /// Why waiting answers prove nothing: it writes in ways that are not slowed.
    #[must_use]
    pub fn evaded(&self) -> Option<String> {
        let listed = fs::read_to_string(&self.list).unwrap_or_default();
        listed.lines().find_map(|line| {
            if begins(line, "io_uring_setup") && !line.contains("= -1") {
                return Some("it uses io_uring, whose syncs cannot be slowed".to_owned());
            }
            let is_synced = line.contains("O_DSYNC") || line.contains("O_SYNC");
            (begins(line, "openat") && is_synced).then(|| {
                "it opens a file with O_SYNC or O_DSYNC, which cannot be slowed".to_owned()
            })
        })
    }
}

/// Whether a line is the begin of this call: `PID TIME CALL(…`.
fn begins(line: &str, call: &str) -> bool {
    let after = line.split_whitespace().nth(2).unwrap_or_default();
    after.strip_prefix(call).is_some_and(|rest| rest.starts_with('('))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(lines: &str) -> (tempfile::TempDir, Syncs) {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        fs::write(&list, lines).unwrap();
        (folder, Syncs { list })
    }

    #[test]
    fn each_sync_is_counted_once() {
        let (_folder, syncs) = listed(
            "12 1700000000.1 openat(AT_FDCWD, \"fsync(\", O_RDWR) = 3\n\
             12 1700000000.2 fdatasync(3 <unfinished ...>\n\
             13 1700000000.3 fsync(4) = 0 (DELAYED)\n\
             12 1700000000.4 <... fdatasync resumed>) = 0 (DELAYED)\n",
        );
        assert_eq!((syncs.count(), syncs.evaded()), (2, None));
    }

    #[test]
    fn writes_that_cannot_be_slowed_are_named() {
        for line in
            ["1 1.0 openat(AT_FDCWD, \"a\", O_RDWR|O_DSYNC) = 3", "1 1.0 io_uring_setup(8, {}) = 3"]
        {
            assert!(listed(line).1.evaded().is_some(), "{line}");
        }
        assert_eq!(listed("1 1.0 io_uring_setup(8, 0) = -1 EPERM").1.evaded(), None);
    }
}
