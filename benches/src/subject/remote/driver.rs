//! A running driver: every request has a bound, and all it started ends with it.

use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

use prismq_driver::VERSION;
use prismq_driver::message::{About, Ask, Asked, Closed, Fault, Hello, Said};
use rustix::process::{getpid, set_child_subreaper};
use serde::de::DeserializeOwned;

use super::error::{DriverError, Result};
use super::family::Family;
use super::launch::{Launch, Violations};
use super::talk::{Silence, Talk};
use crate::base::clock::sleep_precisely;

const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// How long after an answer its log is read.
const LOG_PAUSE: Duration = Duration::from_millis(50);

/// How long a driver may take to answer, and its workers to be alive; what depends on a round has its own bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Requests that do little.
    pub short: Duration,
    /// Those that may start or stop servers, and in addition to the time of a round.
    pub long: Duration,
    /// From the end of its input to its own end.
    pub exit: Duration,
    /// How long a lease is that a queue is asked for: nobody's worker dies in most rounds, so none is to expire.
    pub lease: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            short: Duration::from_secs(10),
            long: Duration::from_secs(60),
            exit: Duration::from_secs(5),
            lease: Duration::from_secs(30),
        }
    }
}

/// How a driver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its status; `None` if it had to be killed.
    pub status: Option<ExitStatus>,
    /// How many processes it left behind, which were killed.
    pub left: usize,
}

/// A running driver. Dropping it kills it and all it started.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    family: Family,
    talk: Talk,
    next: AtomicU64,
    bounds: Bounds,
    violations: Violations,
    is_ended: bool,
}

impl Driver {
    /// Starts a driver in a process group of its own.
    ///
    /// # Errors
    /// [`DriverError::Start`].
    pub fn start(launch: &Launch, bounds: Bounds) -> Result<Self> {
        let failed = |source| DriverError::Start { program: launch.name(), source };
        // Its orphans become children of this process, to be found and ended. Where that is refused they are found by
        // their group and their environment alone.
        let _ = set_child_subreaper(Some(getpid()));
        // Children inherit how precisely they sleep.
        sleep_precisely();
        let (mut command, mark) = launch.command();
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let family = Family::new(child.id(), mark);
        match Talk::with(&mut child) {
            Ok(talk) => Ok(Self {
                child,
                family,
                talk,
                next: AtomicU64::new(1),
                bounds,
                violations: launch.violations().clone(),
                is_ended: false,
            }),
            Err(error) => {
                family.end();
                let _ = child.wait();
                Err(failed(error))
            }
        }
    }

    /// Its bounds.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Its processes.
    #[must_use]
    pub const fn family(&self) -> &Family {
        &self.family
    }

    /// Whether this is a process that it has started, and that runs.
    #[must_use]
    pub fn has_started(&self, pid: u32) -> bool {
        pid != self.child.id() && self.family.members().contains(&pid)
    }

    /// Greets it, as the first request.
    ///
    /// # Errors
    /// If it does not answer as the protocol has it, in time.
    pub fn hello(&self) -> Result<About> {
        let hello = Hello { v: VERSION, parent: process::id() };
        self.ask(&Ask::Hello(hello), self.bounds.short)
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If there is no answer in time, or it is an error or not as the protocol has it.
    pub fn ask<T: DeserializeOwned>(&self, ask: &Ask, bound: Duration) -> Result<T> {
        let id = self.begin(ask);
        self.finish(id, ask.name(), bound)
    }

    /// Sends a request and returns its id.
    pub fn begin(&self, ask: &Ask) -> u64 {
        let id = self.id();
        let line = serde_json::to_string(&Asked { id, ask: ask.clone() }).unwrap_or_default();
        self.send(id, line);
        id
    }

    /// Waits for the answer to a request.
    ///
    /// # Errors
    /// As [`Driver::ask`].
    pub fn finish<T: DeserializeOwned>(&self, id: u64, name: &str, bound: Duration) -> Result<T> {
        let said = self.wait(id, name, bound)?;
        self.answer(name, said)
    }

    /// The answer to a request, if it came in this time.
    ///
    /// # Errors
    /// As [`Driver::ask`], but for the bound.
    pub fn finish_soon<T: DeserializeOwned>(
        &self,
        id: u64,
        name: &str,
        time: Duration,
    ) -> Result<Option<T>> {
        match self.wait(id, name, time) {
            Ok(said) => self.answer(name, said).map(Some),
            Err(DriverError::Bound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn answer<T: DeserializeOwned>(&self, name: &str, said: Said) -> Result<T> {
        let request = || name.to_owned();
        if let Some(Fault { code, message }) = said.error {
            let log = if name == "open" { self.late_log() } else { String::new() };
            return Err(DriverError::Refused { request: request(), code, message, log });
        }
        let reason = |error: serde_json::Error| DriverError::Malformed {
            request: request(),
            reason: error.to_string(),
        };
        serde_json::from_value(said.ok.unwrap_or_default()).map_err(reason)
    }

    /// What it has written to its standard error, also a moment after its answer.
    fn late_log(&self) -> String {
        thread::sleep(LOG_PAUSE);
        self.talk.log()
    }

    /// Sends a request that does not exist, and waits for its answer.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn ask_unknown(&self, name: &str) -> Result<Said> {
        let id = self.id();
        self.send(id, serde_json::json!({ "id": id, "do": name }).to_string());
        self.wait(id, name, self.bounds.short)
    }

    fn id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn send(&self, id: u64, line: String) {
        self.talk.send(id, line + "\n");
    }

    fn wait(&self, id: u64, name: &str, bound: Duration) -> Result<Said> {
        let request = name.to_owned();
        self.talk.wait(id, bound).map_err(|silence| match silence {
            Silence::Bound => DriverError::Bound { request, bound },
            Silence::Closed => DriverError::Gone { request, log: self.talk.log() },
        })
    }

    /// The errors it sent unasked.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.talk.faults()
    }

    /// Kills it by `kill -9`, with all it started.
    pub fn kill(&mut self) {
        if self.is_ended {
            return;
        }
        // Who loses its parent is found afterwards only if it was seen before.
        self.family.look();
        let _ = self.child.kill();
        self.family.end();
        let _ = self.child.wait();
        // Its children have this process as their parent only since its last thread has ended.
        self.family.reap();
        self.is_ended = true;
        self.violations.add(self.talk.violations());
    }

    /// Kills it alone by `kill -9`, and then asks these processes of its store to end, as a service manager does.
    pub fn kill_alone(&mut self, store: &[u32]) {
        // Who loses its parent is found afterwards only if it was seen before.
        self.family.look();
        let _ = self.child.kill();
        self.family.terminate(store, self.bounds.short);
        self.kill();
    }

    /// Kills these processes of its store by `kill -9`, and leaves it alone.
    pub fn kill_store(&self, store: &[u32]) {
        self.family.kill(store);
    }

    /// Says good-bye, and waits for its end.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn bye(mut self) -> Result<Ended> {
        self.family.look();
        self.ask::<Closed>(&Ask::Bye, self.bounds.long)?;
        let bound = self.bounds.short;
        Ok(self.leave(bound))
    }

    /// Closes its input, and waits for its end.
    #[must_use]
    pub fn hang_up(mut self) -> Ended {
        let bound = self.bounds.exit;
        self.leave(bound)
    }

    fn leave(&mut self, bound: Duration) -> Ended {
        self.family.look();
        let until = Instant::now() + bound;
        self.talk.hang_up();
        let mut status = None;
        while status.is_none() && Instant::now() < until {
            status = self.child.try_wait().ok().flatten();
            if status.is_none() {
                thread::sleep(LOOK_AGAIN);
            }
        }
        // Children of one that ended may need a moment of their own.
        while status.is_some() && !self.family.members().is_empty() && Instant::now() < until {
            thread::sleep(LOOK_AGAIN);
        }
        let left = self.family.members();
        let left = left.iter().filter(|pid| **pid != self.child.id()).count();
        self.kill();
        Ended { status, left }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.kill();
    }
}
