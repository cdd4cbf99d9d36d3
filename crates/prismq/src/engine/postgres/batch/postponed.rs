//! What others keep locked, say an open transaction of the application's, is put off for a moment: the claims that would do
//! it go on without it, and do not wait for it again and again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::queues::missing;
use super::run::Run;
use crate::engine::postgres::client::Columns;
use crate::model::Result;

/// For how long; twice as long each time that it is still locked, up to a bound.
const POSTPONED: Duration = Duration::from_secs(1);
const POSTPONED_MAX: Duration = Duration::from_secs(60);

/// How long claims wait for a lock that they could do without, in milliseconds.
const WAIT_MS: &str = "100";
const LOCK_TIMEOUT: &str = "SELECT current_setting('lock_timeout')";
const SET_LOCK_TIMEOUT: &str = "SELECT set_config('lock_timeout', $1, true)";

/// What is put off, and until when.
#[derive(Debug, Default)]
pub(crate) struct Postponed {
    schedules: HashMap<i32, Delay>,
    /// Until when rows of the inbox that have a unique key, and until when all of them.
    inbox_keys: Option<Instant>,
    inbox: Option<Instant>,
}

/// Which rows of the inbox are not put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InboxRows {
    All,
    /// Those without a unique key.
    Plain,
    None,
}

#[derive(Debug, Clone, Copy)]
struct Delay {
    until: Instant,
    length: Duration,
}

impl Delay {
    /// Whether it counts for how long the next one is.
    fn is_recent(&self, now: Instant) -> bool {
        now < self.until + self.length
    }
}

impl Postponed {
    /// Puts off the due slots of a schedule.
    pub(crate) fn add_schedule(&mut self, id: i32) {
        let now = Instant::now();
        let last = self.schedules.get(&id).filter(|delay| delay.is_recent(now));
        let length = last.map_or(POSTPONED, |last| (last.length * 2).min(POSTPONED_MAX));
        self.schedules.insert(id, Delay { until: now + length, length });
    }

    /// The schedules that are put off.
    pub(crate) fn schedules(&mut self) -> Vec<i32> {
        let now = Instant::now();
        self.schedules.retain(|_, delay| delay.is_recent(now));
        let put_off = self.schedules.iter().filter(|(_, delay)| delay.until > now);
        put_off.map(|(id, _)| *id).collect()
    }

    /// Puts off these rows of the inbox, as one of them waits for a lock: all of them only where those without a unique
    /// key wait too.
    pub(crate) fn add_inbox(&mut self, rows: InboxRows, now: Instant) {
        let until = Some(now + POSTPONED);
        match rows {
            InboxRows::All => self.inbox_keys = until,
            InboxRows::Plain => self.inbox = until,
            InboxRows::None => {}
        }
    }

    /// Which rows of the inbox are not put off.
    pub(crate) fn inbox_rows(&self, now: Instant) -> InboxRows {
        let is_put_off = |until: Option<Instant>| until.is_some_and(|until| until > now);
        if is_put_off(self.inbox) {
            InboxRows::None
        } else if is_put_off(self.inbox_keys) {
            InboxRows::Plain
        } else {
            InboxRows::All
        }
    }
}

impl Run<'_, '_> {
    /// Does what a claim can do without, and fails after a short wait for a lock.
    pub(crate) fn waiting_briefly<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let answers = self.query_all(&[(LOCK_TIMEOUT, &[]), (SET_LOCK_TIMEOUT, &[&WAIT_MS])])?;
        let before = answers.iter().flatten().next().ok_or_else(|| missing("a setting"))?;
        let before: String = before.column(0)?;
        let done = work(self)?;
        self.execute(SET_LOCK_TIMEOUT, &[&before])?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else each claim would wait for the lock anew.
    #[test]
    fn rows_of_the_inbox_that_wait_for_a_lock_are_put_off_for_a_second() {
        let (mut postponed, now) = (Postponed::default(), Instant::now());
        assert_eq!(postponed.inbox_rows(now), InboxRows::All);
        postponed.add_inbox(InboxRows::All, now);
        assert_eq!(postponed.inbox_rows(now), InboxRows::Plain, "it may be the unique key");
        postponed.add_inbox(InboxRows::Plain, now);
        assert_eq!(postponed.inbox_rows(now), InboxRows::None);
        assert_eq!(postponed.inbox_rows(now + POSTPONED), InboxRows::All);
    }
}
