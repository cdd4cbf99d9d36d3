//! Programs and permissions that tests need, and how each is probed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The names a Chromium goes by.
const CHROMIUM: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What a test needs of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// Chromium, for a page that is opened in it.
    Chromium,
    /// A C compiler, for libraries that are loaded before a program's own.
    CCompiler,
    /// The permission to become another user through `setpriv`: root's.
    OtherUser,
    /// `openssl`, for certificates.
    OpenSsl,
    /// `pgbouncer`, which pools connections to PostgreSQL.
    PgBouncer,
    /// PostgreSQL's server, and for root a user `postgres` to run it as.
    Postgres,
    /// The permission to mount a file system in a mount namespace of its own through `unshare`: root's.
    PrivateMount,
    /// `python3` with its module `sqlite3`.
    Python,
    /// `sqlite3`, SQLite's command line.
    SqliteShell,
    /// `strace`, and the permission to trace.
    Strace,
    /// `valgrind`.
    Valgrind,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It is met.
    Available,
    /// A program is missing that can be installed; says which and how.
    NotInstalled(String),
    /// The machine refuses, and nothing can be installed for it; says what was refused.
    NotPermitted(String),
}

impl Requirement {
    /// Probes this machine by running the program once, in the way the tests use it.
    #[must_use]
    pub fn probe(self) -> Availability {
        match self {
            Self::Chromium => match chromium() {
                Some(_) => Availability::Available,
                None => Availability::NotInstalled(missing("chromium", "chromium")),
            },
            Self::CCompiler => tried("cc", "gcc", &["--version"]),
            Self::OtherUser => tried(
                "setpriv",
                "util-linux",
                &["--reuid", "65534", "--regid", "65534", "--clear-groups", "true"],
            ),
            Self::OpenSsl => tried("openssl", "openssl", &["version"]),
            Self::PgBouncer => tried("pgbouncer", "pgbouncer", &["--version"]),
            Self::Postgres => match postgres_programs() {
                None => Availability::NotInstalled(missing("PostgreSQL", "postgresql")),
                // As another user, who must exist, if this is root; otherwise as this one.
                Some(_) => tried(
                    "sh",
                    "dash",
                    &["-c", "[ \"$(id -u)\" != 0 ] || id postgres >/dev/null && setpriv true"],
                ),
            },
            Self::PrivateMount => tried(
                "unshare",
                "util-linux",
                &["-m", "sh", "-c", "mount -t tmpfs -o size=4k none /tmp"],
            ),
            Self::Python => tried("python3", "python3", &["-c", "import sqlite3"]),
            Self::SqliteShell => tried("sqlite3", "sqlite3", &["--version"]),
            Self::Strace => {
                tried("strace", "strace", &["-f", "--seccomp-bpf", "-o", "/dev/null", "true"])
            }
            Self::Valgrind => tried("valgrind", "valgrind", &["--version"]),
        }
    }
}

/// The Chromium of this machine: the first of its known names on the path.
#[must_use]
pub fn chromium() -> Option<PathBuf> {
    CHROMIUM.into_iter().find_map(on_path)
}

/// Where PostgreSQL's programs are: on the path, else where Debian and Ubuntu install the newest.
#[must_use]
pub fn postgres_programs() -> Option<PathBuf> {
    if let Some(program) = on_path("initdb").filter(|_| on_path("postgres").is_some()) {
        return program.parent().map(PathBuf::from);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(|folder| folder.file_name());
        name.and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    let programs = versions.map(|folder| folder.path().join("bin"));
    programs.filter(|folder| folder.join("initdb").is_file()).max_by_key(version)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn missing(program: &str, package: &str) -> String {
    format!("{program} is not installed; on Debian and Ubuntu: apt-get install {package}")
}

/// Runs a program that must succeed.
fn tried(program: &str, package: &str, arguments: &[&str]) -> Availability {
    if on_path(program).is_none() {
        return Availability::NotInstalled(missing(program, package));
    }
    match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Availability::Available,
        Ok(output) => Availability::NotPermitted(refusal(program, &output)),
        Err(error) => Availability::NotPermitted(format!("{program} cannot be started: {error}")),
    }
}

fn refusal(program: &str, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let reason = text.lines().map(str::trim).find(|line| !line.is_empty());
    format!("{program} is refused here: {}", reason.unwrap_or("no reason given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_exist_is_not_installed() {
        let Availability::NotInstalled(reason) = tried("prismq-no-such-program", "package", &[])
        else {
            panic!("a program that does not exist must not be found");
        };
        assert!(reason.contains("apt-get install package"), "{reason}");
    }

    #[test]
    fn a_program_that_fails_is_not_permitted_and_its_reason_is_kept() {
        let failed = tried("sh", "dash", &["-c", "echo >&2; echo refused by the test >&2; exit 1"]);
        let reason = "sh is refused here: refused by the test".to_owned();
        assert_eq!(failed, Availability::NotPermitted(reason));
        assert_eq!(tried("sh", "dash", &["-c", "true"]), Availability::Available);
    }
}
