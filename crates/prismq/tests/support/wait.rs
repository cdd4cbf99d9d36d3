//! Waits that end: what does not happen within [`DEADLINE`] fails the test, with what it waited for.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use prismq::{Bytes, Context, TaskResult};

/// Longer than any wait of a passing test takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for a state that other threads or processes reach: `wait_until!(pool.stats().completed == 1)`.
macro_rules! wait_until {
    ($state:expr) => {
        $crate::support::wait_for(stringify!($state), || $state)
    };
}
pub(crate) use wait_until;

/// What [`wait_until!`] calls, with the text of its condition.
#[track_caller]
pub(crate) fn wait_for(state: &str, mut is_reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_reached() {
        if started.elapsed() > DEADLINE {
            fail(&format!("not reached within {DEADLINE:?}: {state}"));
        }
        thread::yield_now();
    }
}

/// The next message of a channel; `what` names it in the failure.
#[track_caller]
pub(crate) fn receive<T>(channel: &Receiver<T>, what: &str) -> T {
    match channel.recv_timeout(DEADLINE) {
        Ok(message) => message,
        Err(error) => fail(&format!("not received within {DEADLINE:?}: {what}: {error}")),
    }
}

/// Fails the test. The message is printed at once: the harness would print it once the test has ended, and the
/// drop of a pool may hang for the same reason.
#[track_caller]
fn fail(message: &str) -> ! {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a thread");
    _ = writeln!(std::io::stderr(), "\n{name}: {message}");
    panic!("{message}");
}

/// The result of a thread; `what` names what it does in the failure.
#[track_caller]
pub(crate) fn join<T>(thread: JoinHandle<T>, what: &str) -> T {
    wait_for(what, || thread.is_finished());
    thread.join().unwrap()
}

/// Where handlers wait until the test lets them pass.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Mutex<Receiver<()>>>);

impl Gate {
    /// A closed gate. Each message lets one handler pass; dropping the sender opens it.
    pub(crate) fn new() -> (Sender<()>, Self) {
        let (open, opened) = channel();
        (open, Self(Arc::new(Mutex::new(opened))))
    }

    /// A handler that succeeds once it is let through.
    pub(crate) fn handler(self) -> impl Fn(Bytes, Context) -> TaskResult {
        move |_, _| {
            self.pass();
            Ok(())
        }
    }

    /// Waits to be let through.
    #[track_caller]
    pub(crate) fn pass(&self) {
        let answer = self.0.lock().unwrap().recv_timeout(DEADLINE);
        if answer == Err(RecvTimeoutError::Timeout) {
            fail(&format!("the test did not open the gate within {DEADLINE:?}"));
        }
    }
}
