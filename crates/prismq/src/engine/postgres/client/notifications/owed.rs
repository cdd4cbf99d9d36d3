//! What other processes are still to hear of: a notification, and transactions of the application's that bring work once
//! they are committed. Threads of the queue add to it; the connection for notifications settles it, and a queue that is
//! closed waits for that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::NewWork;
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
    /// Of what a notification is to be sent.
    pending: NewWork,
    /// Whether one is being sent.
    sending: bool,
    /// Transactions of the application's that bring work once they are committed.
    awaited: Vec<Awaited>,
    /// When it was last asked what became of them.
    asked: Option<Instant>,
    /// Whether the last attempt to connect has failed.
    unreachable: bool,
    /// Whether the queue is closed: each transaction is asked for once more.
    closing: bool,
}

#[derive(Debug)]
struct Awaited {
    number: String,
    since: Instant,
    work: NewWork,
}

impl State {
    fn is_nothing(&self) -> bool {
        self.pending.is_none() && !self.sending && self.awaited.is_empty()
    }

    /// Gives up transactions that are open for too long; whether there were any.
    fn prune(&mut self, now: Instant) -> bool {
        let before = self.awaited.len();
        self.awaited.retain(|awaited| now.duration_since(awaited.since) < AWAIT_MAX);
        self.awaited.len() < before
    }

    /// The question for the transactions that are awaited, and how long to pause before it.
    fn question(&self, now: Instant) -> Option<(Question, Duration)> {
        let last = self.awaited.last()?.since;
        let pause = match self.closing {
            true => AWAIT_PAUSES.0,
            false => (now.duration_since(last) / 4).clamp(AWAIT_PAUSES.0, AWAIT_PAUSES.1),
        };
        let next = self.asked.unwrap_or(last) + pause;
        let numbers = self.awaited.iter().map(|awaited| awaited.number.clone()).collect();
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

    /// A notification is to be sent of this; whether none was to be sent before.
    pub(super) fn add_notification(&self, work: NewWork) -> bool {
        let mut state = self.state();
        let is_first = state.pending.is_none();
        state.pending.add(work);
        is_first
    }

    /// A transaction of the application's brings work once it is committed.
    pub(super) fn add_transaction(&self, number: String, work: NewWork) {
        let (now, mut state) = (Instant::now(), self.state());
        // Without a connection nobody else removes them.
        state.prune(now);
        state.awaited.push(Awaited { number, since: now, work });
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

    /// These of the transactions have ended: the work that those of them brought that were committed.
    pub(super) fn answered(&self, question: &Question, ended: &[(String, bool)]) -> NewWork {
        let mut brought = NewWork::None;
        let mut state = self.state();
        let State { awaited, pending, asked, .. } = &mut *state;
        awaited.retain_mut(|awaited| {
            let end = ended.iter().find(|(number, _)| *number == awaited.number);
            if end.is_some_and(|(_, committed)| *committed) {
                brought.add(std::mem::take(&mut awaited.work));
            }
            let is_last = question.is_last && question.numbers.contains(&awaited.number);
            end.is_none() && !is_last
        });
        *asked = Some(Instant::now());
        pending.add(brought.clone());
        drop(state);
        self.settled.raise();
        brought
    }

    /// Takes what is to be sent now: one notification stands for all commits so far.
    pub(super) fn begin_sending(&self) -> NewWork {
        let mut state = self.state();
        let work = std::mem::take(&mut state.pending);
        state.sending = !work.is_none();
        work
    }

    /// The sending has ended; `again` must be sent again.
    pub(super) fn end_sending(&self, again: NewWork) {
        let mut state = self.state();
        state.sending = false;
        state.pending.add(again);
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
        let since = Instant::now() - since;
        owed.state().awaited.push(Awaited {
            number: "7".to_owned(),
            since,
            work: NewWork::lane(7),
        });
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
        let owed = awaiting(Duration::ZERO);
        owed.add_transaction("8".to_owned(), NewWork::lane(8));
        owed.add_transaction("9".to_owned(), NewWork::lane(9));
        assert!(owed.begin_sending().is_none(), "none is committed");
        let (question, _) = owed.state().question(Instant::now()).unwrap();
        let ended = [("7".to_owned(), true), ("8".to_owned(), false)];
        assert_eq!(owed.answered(&question, &ended), NewWork::lane(7));
        assert_eq!(owed.state().awaited.len(), 1, "the third is still open");
        let sent = owed.begin_sending();
        assert_eq!(sent, NewWork::lane(7));
        owed.end_sending(sent);
        assert!(!owed.add_notification(NewWork::lane(1)), "it was not sent");
        let both = owed.begin_sending();
        assert!(both.is_in(|lane| lane == 7) && both.is_in(|lane| lane == 1));
        owed.end_sending(NewWork::None);
        assert!(owed.begin_sending().is_none());
    }
}
