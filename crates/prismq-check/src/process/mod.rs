//! Clients in processes of their own, which a test may kill, stop and resume.
//!
//! What a client records goes through a pipe whose reading end is the parent's, so that it outlives the client. A
//! client ends when its standard input does, so that none outlives its parent.

mod deposits;
mod operators;
mod pools;
pub(crate) mod roles;
mod spec;

use std::io::{BufRead, BufReader, Error as IoError, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub use self::roles::{KEYED_TYPES, TYPES, run_process};
pub use self::spec::{Listener, ProcessSpec, Role};

use crate::error::{Error, Result};
use crate::history::Event;
use crate::history::History;

/// Longer than a process takes to record what a test waits for.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    reader: Option<JoinHandle<Result<()>>>,
}

/// What a process has recorded so far.
#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    events: Vec<Event>,
    ended: bool,
}

impl Process {
    /// Starts the program, which must [`run_process`] the order it is given as its only argument.
    ///
    /// # Errors
    /// [`Error::Process`] if it cannot be started.
    pub fn start(program: impl AsRef<Path>, spec: &ProcessSpec) -> Result<Self> {
        let failed = |source| Error::Process { what: "could not be started", source };
        let spec = serde_json::to_string(spec).map_err(|error| failed(error.into()))?;
        let mut child = Command::new(program.as_ref())
            .arg(spec)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        let output = Arc::<Output>::default();
        let reader = stdout.map(|stdout| {
            let output = output.clone();
            thread::spawn(move || output.read(stdout))
        });
        Ok(Self { child, stdin, output, reader })
    }

    /// Waits until its record satisfies this, it has ended, or a minute has passed; returns whether the record does.
    #[must_use]
    pub fn wait_until(&self, shows: impl Fn(&[Event]) -> bool) -> bool {
        let lines = self.output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = |lines: &mut Lines| !lines.ended && !shows(&lines.events);
        let waited = self.output.more.wait_timeout_while(lines, WAIT_MAX, pending);
        let (lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
        shows(&lines.events)
    }

    /// Whether it has ended or closed its output.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.output.lines.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// Lets a process that waits for it proceed with its role.
    ///
    /// # Errors
    /// [`Error::Process`] if it has ended.
    pub fn proceed(&mut self) -> Result<()> {
        let stdin = self.stdin.as_mut();
        stdin
            .map_or(Ok(()), |stdin| stdin.write_all(b"go\n"))
            .map_err(|source| Error::Process { what: "does not read its standard input", source })
    }

    /// Stops it, until [`Process::resume`].
    ///
    /// # Errors
    /// [`Error::Process`] if it has ended.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Resumes a stopped process.
    ///
    /// # Errors
    /// [`Error::Process`] if it has ended.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Kills it, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it cannot be killed, [`Error::Line`] if a line of it does not parse.
    pub fn kill(mut self) -> Result<History> {
        self.child
            .kill()
            .map_err(|source| Error::Process { what: "could not be killed", source })?;
        self.end().map(|(history, _)| history)
    }

    /// Asks it to end once its present call is answered, waits for it, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it failed, [`Error::Line`] if a line of it does not parse.
    pub fn stop(mut self) -> Result<History> {
        self.stdin = None;
        self.finish()
    }

    /// Waits until it ends by itself, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it failed, [`Error::Line`] if a line of it does not parse.
    pub fn finish(mut self) -> Result<History> {
        let (history, status) = self.end()?;
        if !status.success() {
            let source = IoError::other(status.to_string());
            return Err(Error::Process { what: "failed", source });
        }
        Ok(history)
    }

    /// Waits until it ends, in success or failure, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it cannot be waited for, [`Error::Line`] if a line of it does not parse.
    pub fn wait_for_death(mut self) -> Result<History> {
        self.end().map(|(history, _)| history)
    }

    fn end(&mut self) -> Result<(History, ExitStatus)> {
        let failed = |source| Error::Process { what: "cannot be waited for", source };
        let status = self.child.wait().map_err(failed)?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| failed(IoError::other("its reader panicked")))??;
        }
        let lines = self.output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((History::new(lines.events.clone()), status))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let failed = |source| Error::Process { what: "could not be signalled", source };
        let raw = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = raw.ok_or_else(|| failed(IoError::other("it has no process id")))?;
        kill_process(pid, signal).map_err(|error| failed(error.into()))
    }
}

impl Output {
    fn read(&self, mut stdout: impl BufRead) -> Result<()> {
        let mut text = Vec::new();
        let mut number = 0;
        let outcome = loop {
            text.clear();
            number += 1;
            match stdout.read_until(b'\n', &mut text) {
                // A line without an end was cut off by the death of its writer.
                Ok(_) if text.last() != Some(&b'\n') => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(Error::Log(error)),
            }
            match serde_json::from_slice(&text) {
                Ok(event) => self.add(event),
                Err(source) => break Err(Error::Line { line: number, source }),
            }
        };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.more.notify_all();
        outcome
    }

    fn add(&self, event: Event) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).events.push(event);
        self.more.notify_all();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
