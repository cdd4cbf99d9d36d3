//! One start of a benchmark program, from its command line to its record.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use prismq_record::RunRecord;
use prismq_record::files::{Selection, gather};
use wait_timeout::ChildExt as _;

use super::error::AbError;

/// How often a stop and the timeout are checked.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// A program and its arguments.
#[derive(Debug, Clone)]
pub(super) struct Program {
    name: String,
    arguments: Vec<String>,
}

/// How a program is started.
pub(super) struct Start<'a> {
    /// Which benchmarks, if not all.
    pub(super) filter: Option<&'a str>,
    /// The folder for its record and output, which is created.
    pub(super) folder: &'a Path,
    /// How long it may take.
    pub(super) at_most: Duration,
    /// Set when the user stops the comparison.
    pub(super) stopped: &'a AtomicBool,
}

impl Program {
    /// Reads a command line, quoted as for a shell.
    pub(super) fn parse(command: &str) -> Result<Self, AbError> {
        let mut words = shlex::split(command).unwrap_or_default().into_iter();
        let name = words.next().ok_or_else(|| AbError::Command { command: command.to_owned() })?;
        Ok(Self { name, arguments: words.collect() })
    }

    /// Starts it, waits for its end and reads what it wrote.
    pub(super) fn start(&self, start: &Start<'_>) -> Result<RunRecord, AbError> {
        let folder = |source| AbError::Folder { path: start.folder.to_owned(), source };
        fs::create_dir_all(start.folder).map_err(folder)?;
        let log = start.folder.join("output.log");
        let output = File::create(&log).map_err(folder)?;
        // So that Criterion's files do not replace the user's.
        let criterion = tempfile::tempdir().map_err(folder)?;
        let mut command = Command::new(&self.name);
        command
            .args(&self.arguments)
            .args(["--bench", "--noplot"])
            .args(start.filter)
            .env("PRISMQ_RESULTS_DIR", start.folder)
            .env("CRITERION_HOME", criterion.path())
            // No target is judged here, and both programs are to run the same number of rounds.
            .env("PRISMQ_BUDGET", "0")
            .stdin(std::process::Stdio::null())
            .stderr(output.try_clone().map_err(folder)?)
            .stdout(output);
        // A process group of its own, so that its children end with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .spawn()
            .map_err(|source| AbError::Start { program: self.name.clone(), source })?;
        let status = self.wait(child, start)?;
        if !status.success() {
            return Err(AbError::Failed { program: self.name.clone(), status, log });
        }
        gather(start.folder, &Selection::Latest)
            .map_err(|source| AbError::NoRecord { program: self.name.clone(), source })
    }

    fn wait(&self, mut child: Child, start: &Start<'_>) -> Result<ExitStatus, AbError> {
        let failed = |source| AbError::Start { program: self.name.clone(), source };
        let began = Instant::now();
        loop {
            if let Some(status) = child.wait_timeout(LOOK_AFTER).map_err(failed)? {
                return Ok(status);
            }
            if start.stopped.load(Ordering::Relaxed) {
                end(&mut child).map_err(failed)?;
                return Err(AbError::Stopped);
            }
            if began.elapsed() >= start.at_most {
                end(&mut child).map_err(failed)?;
                let seconds = start.at_most.as_secs();
                return Err(AbError::TimedOut { program: self.name.clone(), seconds });
            }
        }
    }
}

/// Ends a program and its children, by their process group.
fn end(child: &mut Child) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let group = rustix::process::Pid::from_child(child);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?;
    }
    #[cfg(not(unix))]
    child.kill()?;
    child.wait().map(|_| ())
}
