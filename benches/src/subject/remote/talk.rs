//! The lines between this harness and a driver: written and read by threads, so that nothing waits without a bound.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::Child;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use prismq_driver::message::{Fault, LONGEST_LINE, Said};

/// Most lines that nobody asked for.
const MOST_UNASKED: usize = 1_000;
/// Most violations that are kept; more of them say nothing new.
const MOST_VIOLATIONS: usize = 20;
/// How much is kept of the end of a driver's log.
const LOG_BYTES: usize = 64 * 1024;
/// How much of a line is quoted.
const QUOTED: usize = 80;

/// The talk with one driver.
#[derive(Debug)]
pub(super) struct Talk {
    /// `None` once the driver's input is closed.
    lines: Option<Sender<String>>,
    inbox: Arc<Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: HashSet<u64>,
    answers: HashMap<u64, Said>,
    unasked: usize,
    faults: Vec<Fault>,
    violations: Vec<String>,
    is_closed: bool,
    log: VecDeque<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// The bound has passed.
    Bound,
    /// The driver has closed its output.
    Closed,
}

impl Talk {
    /// Talks with a child whose standard streams are pipes.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub(super) fn with(child: &mut Child) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let (lines, to_write) = mpsc::channel::<String>();
        if let Some(mut stdin) = child.stdin.take() {
            let write = move || {
                // Ends with the talk, which closes the driver's input, or with the driver.
                to_write.iter().try_for_each(|line| {
                    stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush())
                })
            };
            thread::Builder::new().name("driver-input".to_owned()).spawn(write)?;
        }
        if let Some(stdout) = child.stdout.take() {
            let inbox = inbox.clone();
            let read = move || inbox.read(BufReader::new(stdout));
            thread::Builder::new().name("driver-output".to_owned()).spawn(read)?;
        }
        if let Some(stderr) = child.stderr.take() {
            let inbox = inbox.clone();
            let read = move || inbox.keep_log(stderr);
            thread::Builder::new().name("driver-log".to_owned()).spawn(read)?;
        }
        Ok(Self { lines: Some(lines), inbox })
    }

    /// Sends a request whose answer will carry this id.
    pub(super) fn send(&self, id: u64, line: String) {
        self.inbox.lock().asked.insert(id);
        // A driver that is gone is noticed where the answer is waited for.
        let _ = self.lines.as_ref().map(|lines| lines.send(line));
    }

    /// Closes the driver's input.
    pub(super) fn hang_up(&mut self) {
        // The thread that writes ends with it.
        self.lines = None;
    }

    /// Waits for an answer.
    pub(super) fn wait(&self, id: u64, bound: Duration) -> Result<Said, Silence> {
        let waits = |state: &mut State| !state.answers.contains_key(&id) && !state.is_closed;
        let (mut state, _) = self
            .inbox
            .changed
            .wait_timeout_while(self.inbox.lock(), bound, waits)
            .unwrap_or_else(PoisonError::into_inner);
        match state.answers.remove(&id) {
            Some(said) => Ok(said),
            None if state.is_closed => Err(Silence::Closed),
            None => Err(Silence::Bound),
        }
    }

    /// What was on its output that is not of the protocol.
    pub(super) fn violations(&self) -> Vec<String> {
        self.inbox.lock().violations.clone()
    }

    /// The errors it sent unasked.
    pub(super) fn faults(&self) -> Vec<Fault> {
        self.inbox.lock().faults.clone()
    }

    /// The end of what it wrote to its standard error.
    pub(super) fn log(&self) -> String {
        let state = self.inbox.lock();
        let bytes: Vec<u8> = state.log.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, mut output: impl BufRead) {
        let longest = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = output.by_ref().take(longest + 1).read_until(b'\n', &mut line);
            let is_end = !matches!(read, Ok(1..));
            let is_long = line.len() > LONGEST_LINE;
            let mut state = self.lock();
            if is_long {
                state.violate(format!("a line is longer than {LONGEST_LINE} bytes"));
            } else if !is_end {
                state.take(&line);
            }
            // Who writes lines without end is not read any further.
            if is_end || is_long || state.unasked > MOST_UNASKED {
                state.is_closed = true;
            }
            let is_closed = state.is_closed;
            drop(state);
            self.changed.notify_all();
            if is_closed {
                return;
            }
        }
    }

    fn keep_log(&self, mut stderr: impl Read) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut bytes) {
            let mut state = self.lock();
            state.log.extend(bytes.get(..count).unwrap_or_default());
            let excess = state.log.len().saturating_sub(LOG_BYTES);
            state.log.drain(..excess);
        }
    }
}

impl State {
    fn take(&mut self, line: &[u8]) {
        let quote = || {
            let text = String::from_utf8_lossy(line);
            text.trim_end().chars().take(QUOTED).collect::<String>()
        };
        let Ok(said) = serde_json::from_slice::<Said>(line) else {
            return self.violate(format!("this is no message: {}", quote()));
        };
        match said {
            Said { id: Some(id), .. } => {
                if said.ok.is_some() == said.error.is_some() {
                    self.violate(format!("an answer has `ok` or `error`: {}", quote()));
                }
                if self.asked.remove(&id) {
                    self.answers.insert(id, said);
                } else {
                    self.violate(format!("nothing was asked, or it was answered: {}", quote()));
                }
            }
            Said { error: None, log: None, .. } => {
                self.violate(format!("it has neither `id` nor `error` nor `log`: {}", quote()));
            }
            Said { error, .. } => {
                self.unasked += 1;
                self.faults.extend(error);
                if self.unasked > MOST_UNASKED {
                    self.violate(format!("more than {MOST_UNASKED} lines that nobody asked for"));
                }
            }
        }
    }

    fn violate(&mut self, what: String) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(asked: &[u64], output: &str) -> State {
        let inbox = Inbox::default();
        inbox.lock().asked.extend(asked);
        inbox.read(output.as_bytes());
        inbox.state.into_inner().unwrap()
    }

    #[test]
    fn answers_and_unasked_lines_are_sorted() {
        let state = after(
            &[1, 2],
            "{\"id\":2,\"ok\":{}}\n{\"error\":{\"code\":\"lane_full\",\"message\":\"a\"}}\n\
             {\"log\":{\"text\":\"b\"}}\n",
        );
        assert_eq!(state.answers.keys().collect::<Vec<_>>(), [&2]);
        assert_eq!((state.unasked, state.faults.len()), (2, 1));
        assert_eq!((state.violations.len(), state.is_closed), (0, true));
    }

    #[test]
    fn what_is_not_of_the_protocol_is_named() {
        for (output, part) in [
            ("hello\n", "this is no message: hello"),
            ("{\"id\":1}\n", "`ok` or `error`"),
            ("{\"id\":7,\"ok\":1}\n", "nothing was asked"),
            ("{\"id\":1,\"ok\":1}\n{\"id\":1,\"ok\":1}\n", "it was answered"),
            ("{}\n", "neither"),
            (&"{\"log\":{\"text\":\"\"}}\n".repeat(1_001), "more than 1000 lines"),
            (&"x".repeat(LONGEST_LINE + 1), "longer than 1048576 bytes"),
        ] {
            let state = after(&[1], output);
            let found = state.violations.first().is_some_and(|what| what.contains(part));
            assert!(found, "{part}: {:?}", state.violations);
        }
    }
}
