//! What others keep locked, say an open transaction of the application's, is put off for a moment: the claims that would do
//! it go on without it, and do not wait for it again and again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::columns::Columns;
use super::queues::missing;
use super::run::Run;
use crate::model::Result;

/// For how long.
const POSTPONED: Duration = Duration::from_secs(1);

/// How long claims wait for a lock that they could do without, in milliseconds.
const WAIT_MS: &str = "100";
const LOCK_TIMEOUT: &str = "SELECT current_setting('lock_timeout')";
const SET_LOCK_TIMEOUT: &str = "SELECT set_config('lock_timeout', $1, true)";

/// What is put off, and until when.
#[derive(Debug, Default)]
pub(crate) struct Postponed {
    schedules: HashMap<i32, Instant>,
    inbox_keys: Option<Instant>,
}

impl Postponed {
    /// Puts off the due slots of a schedule.
    pub(crate) fn add_schedule(&mut self, id: i32) {
        self.schedules.insert(id, Instant::now() + POSTPONED);
    }

    /// The schedules that are put off.
    pub(crate) fn schedules(&mut self) -> Vec<i32> {
        let now = Instant::now();
        self.schedules.retain(|_, until| *until > now);
        self.schedules.keys().copied().collect()
    }

    /// Puts off the rows of the inbox that have a unique key.
    pub(crate) fn add_inbox_keys(&mut self) {
        self.inbox_keys = Some(Instant::now() + POSTPONED);
    }

    /// Whether they are put off.
    pub(crate) fn has_inbox_keys(&self) -> bool {
        self.inbox_keys.is_some_and(|until| until > Instant::now())
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
