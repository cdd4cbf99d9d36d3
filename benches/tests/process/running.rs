//! A suite that runs as a process, and the folder for what it writes.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use prismq_probe::Failed;
use prismq_record::files::{Selection, gather};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::SUITE;
use crate::suite::HELD;

/// Far beyond what anything here takes.
const BOUND: Duration = Duration::from_secs(120);

/// A folder for everything a suite writes.
pub(super) struct Place {
    home: TempDir,
}

impl Place {
    pub(super) fn new() -> Result<Self, Failed> {
        Ok(Self { home: tempfile::tempdir()? })
    }

    /// In the target directory, which is on a disk more often.
    pub(super) fn on_disk() -> Result<Self, Failed> {
        Ok(Self { home: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))? })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(super) fn databases(&self) -> usize {
        fs::read_dir(self.path("db")).map_or(0, Iterator::count)
    }

    pub(super) fn command(&self, program: &Path, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.split_whitespace())
            .env(SUITE, HELD)
            .env("PRISMQ_PROFILE", "smoke")
            .env("PRISMQ_RESULTS_DIR", self.path("results"))
            .env("PRISMQ_BENCH_DIR", self.path("db"))
            .env("CRITERION_HOME", self.path("criterion"))
            // Where the lock of the machine lies: other tests have theirs.
            .env("TMPDIR", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    pub(super) fn start(&self, arguments: &str) -> Result<Running, Failed> {
        Running::start(&mut self.command(&env::current_exe()?, arguments))
    }

    /// The scenarios of the latest record, and how many rounds each has.
    pub(super) fn rounds(&self) -> Result<Vec<(String, usize)>, Failed> {
        let run = gather(&self.path("results"), &Selection::Latest)?;
        let scenarios = run.suites.into_iter().flat_map(|suite| suite.scenarios);
        Ok(scenarios.map(|scenario| (scenario.id, scenario.rounds.len())).collect())
    }
}

/// A suite at work, and what it says on standard error.
pub(super) struct Running {
    pub(super) child: Child,
    said: Receiver<String>,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Result<Self, Failed> {
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().ok_or("it has no standard error")?;
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, said })
    }

    /// The first line with this text in it.
    pub(super) fn wait_for(&self, text: &str) -> Result<String, Failed> {
        let deadline = Instant::now() + BOUND;
        let mut others = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) if line.contains(text) => return Ok(line),
                Ok(line) => others.push_str(&(line + "\n")),
                Err(_) => return Err(format!("it never said {text:?} but\n{others}").into()),
            }
        }
    }

    pub(super) fn send(&self, signal: Signal) -> Result<(), Failed> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(id.ok_or("it has no id")?, signal)?)
    }

    pub(super) fn go_on(&mut self) -> Result<(), Failed> {
        Ok(self.child.stdin.take().ok_or("it has no input")?.write_all(b"go on\n")?)
    }

    /// Its exit status and all that it said and nobody has heard yet.
    pub(super) fn end(mut self) -> Result<(Option<i32>, String), Failed> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        let said: Vec<String> = self.said.iter().collect();
        Ok((status.code(), said.join("\n")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn ensure(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}
