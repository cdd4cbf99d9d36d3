//! What other processes are still to hear of: a notification, and transactions of the application's that bring work once
//! they are committed. Threads of the queue add to it; the connection for notifications settles it, and a queue that is
//! closed waits for that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::time::Signal;

/// For how long a queue that is closed waits until its last notification was sent.
const LAST_MAX: Duration = Duration::from_millis(500);
/// For how long it is asked whether a transaction of the application's has been committed. Later, pools find its tasks as
/// they look now and then.
const AWAIT_MAX: Duration = Duration::from_secs(5);
/// The shortest and the longest pause between two such questions; in between, a fraction of the time that has passed.
const AWAIT_PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// What others are still to hear of.
#[derive(Debug, Default)]
pub(super) struct Owed {
    state: Mutex<State>,
    /// Raised when less is owed.
    settled: Signal,
}

#[derive(Debug, Default)]
struct State {
    /// Whether a notification is to be sent.
    pending: bool,
    /// Whether one is being sent.
    sending: bool,
    /// Transactions of the application's that bring work once they are committed: their numbers, and since when.
    awaited: Vec<(String, Instant)>,
    /// When it was last asked what became of them.
    asked: Option<Instant>,
    /// Whether the last attempt to connect has failed.
    unreachable: bool,
    /// Whether the queue is closed: each transaction is asked for once more.
    closing: bool,
}

impl State {
    fn is_nothing(&self) -> bool {
        !self.pending && !self.sending && self.awaited.is_empty()
    }

    /// Gives up transactions that are open for too long; whether there were any.
    fn prune(&mut self, now: Instant) -> bool {
        let before = self.awaited.len();
        self.awaited.retain(|(_, since)| now.duration_since(*since) < AWAIT_MAX);
        self.awaited.len() < before
    }

    /// The question for the transactions that are awaited, and how long to pause before it.
    fn question(&self, now: Instant) -> Option<(Question, Duration)> {
        let (_, last) = self.awaited.last()?;
        let pause = match self.closing {
            true => AWAIT_PAUSES.0,
            false => (now.duration_since(*last) / 4).clamp(AWAIT_PAUSES.0, AWAIT_PAUSES.1),
        };
        let next = self.asked.unwrap_or(*last) + pause;
        let numbers = self.awaited.iter().map(|(number, _)| number.clone()).collect();
        let question = Question { numbers, is_last: self.closing };
        Some((question, next.saturating_duration_since(now)))
    }
}

/// What became of these transactions?
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) numbers: Vec<String>,
    /// Whether it is not asked again: the queue was closed before.
    pub(super) is_last: bool,
}

impl Owed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A notification is to be sent; whether that is new.
    pub(super) fn add_notification(&self) -> bool {
        !std::mem::replace(&mut self.state().pending, true)
    }

    /// A transaction of the application's brings work once it is committed.
    pub(super) fn add_transaction(&self, number: String) {
        let (now, mut state) = (Instant::now(), self.state());
        // Without a connection nobody else removes them.
        state.prune(now);
        state.awaited.push((number, now));
    }

    /// The next question, once those are left out that were asked for long enough.
    pub(super) fn question(&self) -> Option<(Question, Duration)> {
        let (now, mut state) = (Instant::now(), self.state());
        let (pruned, question) = (state.prune(now), state.question(now));
        drop(state);
        if pruned {
            self.settled.raise();
        }
        question
    }

    /// These of the transactions have ended, and those of them that were committed brought work: whether there were any.
    pub(super) fn answered(&self, question: &Question, ended: &[(String, bool)]) -> bool {
        let committed = ended.iter().any(|(_, committed)| *committed);
        let mut state = self.state();
        state.awaited.retain(|(number, _)| match question.is_last {
            true => !question.numbers.contains(number),
            false => ended.iter().all(|(ended, _)| ended != number),
        });
        state.asked = Some(Instant::now());
        state.pending |= committed;
        drop(state);
        self.settled.raise();
        committed
    }

    /// Whether one is to be sent now; it stands for all commits so far.
    pub(super) fn begin_sending(&self) -> bool {
        let mut state = self.state();
        state.sending = std::mem::take(&mut state.pending);
        state.sending
    }

    /// It was sent, or is to be sent again.
    pub(super) fn end_sending(&self, again: bool) {
        let mut state = self.state();
        state.sending = false;
        state.pending |= again;
        drop(state);
        self.settled.raise();
    }

    /// Whether the last attempt to connect has failed.
    pub(super) fn set_unreachable(&self, unreachable: bool) {
        self.state().unreachable = unreachable;
        self.settled.raise();
    }

    /// Waits for a moment until what was committed so far has been notified: a process that ends right after its commit
    /// would otherwise take the notification with it. Does not wait for a server that cannot be reached, nor for
    /// transactions that are still open. `wake` has the connection look at once.
    pub(super) fn close(&self, wake: impl FnOnce()) {
        let until = Instant::now() + LAST_MAX;
        self.state().closing = true;
        wake();
        loop {
            let seen = self.settled.count();
            let state = self.state();
            if state.is_nothing() {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let unreachable = state.unreachable;
            drop(state);
            if unreachable || left.is_zero() {
                tracing::debug!("closed before other processes were notified: they look for work");
                return;
            }
            self.settled.wait(seen, Some(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awaiting(since: Duration) -> Owed {
        let owed = Owed::default();
        owed.state().awaited.push(("7".to_owned(), Instant::now() - since));
        owed
    }

    fn pause(owed: &Owed) -> Duration {
        owed.state().question(Instant::now()).unwrap().1
    }

    #[test]
    fn a_transaction_is_asked_for_less_often_as_time_passes_and_at_once_when_the_queue_is_closed() {
        let owed = awaiting(Duration::from_secs(2));
        owed.state().asked = Some(Instant::now());
        assert!(pause(&owed) > AWAIT_PAUSES.1 / 2);
        owed.state().closing = true;
        assert!(pause(&owed) <= AWAIT_PAUSES.0);
    }

    #[test]
    fn a_transaction_that_stays_open_is_given_up() {
        let owed = awaiting(AWAIT_MAX);
        let seen = owed.settled.count();
        assert_eq!(owed.question(), None);
        assert!(owed.state().is_nothing() && owed.settled.count() > seen);

        let owed = awaiting(Duration::ZERO);
        let question = || owed.state().question(Instant::now()).unwrap().0;
        let before = question();
        owed.state().closing = true;
        owed.answered(&before, &[]);
        assert!(!owed.state().is_nothing(), "it may have been committed since");
        owed.answered(&question(), &[]);
        assert!(owed.state().is_nothing(), "a queue that is closed asks once more");
    }

    #[test]
    fn a_notification_is_owed_until_it_was_sent() {
        let owed = Owed::default();
        assert!(!owed.begin_sending() && owed.state().is_nothing());
        let question = Question { numbers: Vec::new(), is_last: false };
        owed.answered(&question, &[("7".to_owned(), true)]);
        assert!(owed.begin_sending() && !owed.state().is_nothing());
        owed.end_sending(true);
        assert!(!owed.state().is_nothing(), "it was not sent");
        assert!(owed.begin_sending());
        owed.end_sending(false);
        assert!(owed.state().is_nothing());
    }
}
