//! Actors in processes of their own, which a test may kill, stop and let go on.
//!
//! What an actor tells goes through a pipe whose reading end is the parent's, so that it outlives the
//! actor. An actor ends when its standard input does, so that none outlives its parent.

mod pools;
pub(crate) mod roles;
mod spec;

use std::io::{BufRead, BufReader, Error as IoError, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

pub use self::roles::obey;
pub use self::spec::{Listener, Order, Role};

use crate::error::{Error, Result};
use crate::history::Event;
use crate::history::History;

/// A process at work. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    recorded: Arc<Told>,
    reader: Option<JoinHandle<Result<()>>>,
}

/// What a process has recorded so far.
#[derive(Debug, Default)]
struct Told {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    events: Vec<Event>,
    ended: bool,
}

impl Process {
    /// Starts the program, which must [`obey`] the order it is given as its only argument.
    ///
    /// # Errors
    /// [`Error::Process`] if it cannot be started.
    pub fn start(program: impl AsRef<Path>, order: &Order) -> Result<Self> {
        let failed = |source| Error::Process { what: "could not be started", source };
        let order = serde_json::to_string(order).map_err(|error| failed(error.into()))?;
        let mut child = Command::new(program.as_ref())
            .arg(order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        let recorded = Arc::<Told>::default();
        let reader = stdout.map(|stdout| {
            let recorded = recorded.clone();
            thread::spawn(move || recorded.read(stdout))
        });
        Ok(Self { child, stdin, recorded, reader })
    }

    /// Waits until what it recorded shows this, or it ended; says which.
    #[must_use]
    pub fn wait_until(&self, shows: impl Fn(&[Event]) -> bool) -> bool {
        let lines = self.recorded.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = self
            .recorded
            .more
            .wait_while(lines, |lines| !lines.ended && !shows(&lines.events))
            .unwrap_or_else(PoisonError::into_inner);
        shows(&lines.events)
    }

    /// Whether it is gone, or going.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.recorded.lines.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// Tells a process that waits for it to go on with its part.
    ///
    /// # Errors
    /// [`Error::Process`] if it is gone.
    pub fn let_go_on(&mut self) -> Result<()> {
        let stdin = self.stdin.as_mut();
        stdin
            .map_or(Ok(()), |stdin| stdin.write_all(b"go\n"))
            .map_err(|source| Error::Process { what: "does not listen", source })
    }

    /// Stops it where it is, until [`Process::resume`].
    ///
    /// # Errors
    /// [`Error::Process`] if it is gone.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a stopped process go on.
    ///
    /// # Errors
    /// [`Error::Process`] if it is gone.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Kills it where it is, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it cannot be killed, [`Error::Line`] if it recorded what is no event.
    pub fn kill(mut self) -> Result<History> {
        self.child.kill().map_err(|source| Error::Process { what: "was not killed", source })?;
        self.end().map(|(history, _)| history)
    }

    /// Tells it to end once its present call is answered, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it ended badly, [`Error::Line`] if it recorded what is no event.
    pub fn stop(mut self) -> Result<History> {
        self.stdin = None;
        self.finish()
    }

    /// Waits until it ends by itself, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it ended badly, [`Error::Line`] if it recorded what is no event.
    pub fn finish(mut self) -> Result<History> {
        let (history, status) = self.end()?;
        if !status.success() {
            let source = IoError::other(status.to_string());
            return Err(Error::Process { what: "ended badly", source });
        }
        Ok(history)
    }

    /// Waits until it dies, however it does, and returns all it recorded.
    ///
    /// # Errors
    /// [`Error::Process`] if it cannot be waited for, [`Error::Line`] if it recorded what is no event.
    pub fn die(mut self) -> Result<History> {
        self.end().map(|(history, _)| history)
    }

    fn end(&mut self) -> Result<(History, ExitStatus)> {
        let failed = |source| Error::Process { what: "cannot be waited for", source };
        let status = self.child.wait().map_err(failed)?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| failed(IoError::other("its reader panicked")))??;
        }
        let lines = self.recorded.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((History::new(lines.events.clone()), status))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let failed = |source| Error::Process { what: "could not be given its orders", source };
        let raw = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = raw.ok_or_else(|| failed(IoError::other("it has no number")))?;
        kill_process(pid, signal).map_err(|error| failed(error.into()))
    }
}

impl Told {
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
        // One that has ended cannot be killed and needs not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
