//! Changing the tasks of a filter, in bounded transactions.

use std::time::Duration;

use super::Tasks;
use crate::engine::{Answer, Detail, Hit, Operation, Revival, Search, Target, Targets};
use crate::model::limits::DELAY_MAX;
use crate::model::{Error, Result, State};

/// Most tasks that one transaction changes.
const ACT_TASKS_MAX: usize = 512;
/// Payload bytes from which on a transaction takes no more tasks.
const ACT_BYTES_MAX: u64 = 16 << 20;

/// How many tasks were cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CancelCount {
    /// Tasks that waited, and have ended.
    pub ended: u64,
    /// Tasks that run: their handlers are notified, and unless they complete, they end as cancelled.
    pub requested: u64,
}

/// How dead tasks are put back.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::Redrive;
///
/// let gently = Redrive::new().rate(10, Duration::from_secs(1)).keep_attempts();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Redrive {
    rate: Option<(u32, Duration)>,
    keep_attempts: bool,
}

impl Redrive {
    /// All at once, each with all its attempts.
    #[must_use]
    pub const fn new() -> Self {
        Self { rate: None, keep_attempts: false }
    }

    /// Only so many tasks in each period, in the order in which they died: each is scheduled for its time.
    #[must_use]
    pub const fn rate(self, tasks: u32, period: Duration) -> Self {
        Self { rate: Some((tasks, period)), ..self }
    }

    /// The attempts go on to count, and one more is allowed to a task that has used all up. Unless set, counting starts
    /// again.
    #[must_use]
    pub const fn keep_attempts(self) -> Self {
        Self { keep_attempts: true, ..self }
    }

    /// Microseconds between two tasks.
    fn interval(self) -> Result<i64> {
        let Some((tasks, period)) = self.rate else { return Ok(0) };
        if tasks == 0 || period.is_zero() || period > DELAY_MAX {
            let reason = format!(
                "{tasks} tasks in {period:?}, must be at least one task in a period of up to {DELAY_MAX:?}"
            );
            return Err(Error::invalid("rate", reason));
        }
        Ok(i64::try_from(period.as_micros() / u128::from(tasks)).unwrap_or(i64::MAX))
    }
}

impl Tasks {
    /// Puts the dead tasks among them back, each with all its attempts, and returns how many.
    ///
    /// # Errors
    /// See [`Tasks::redrive_with`].
    pub fn redrive(&self) -> Result<u64> {
        self.redrive_with(Redrive::new())
    }

    /// Puts the dead tasks among them back, and returns how many. The text of the last error stays until the next.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a filter or a rate outside its bounds, or a rate so low that the last task would be
    /// due in more than ten years: nothing was done. An engine's failure: earlier transactions stay.
    pub fn redrive_with(&self, redrive: Redrive) -> Result<u64> {
        self.filter.validate()?;
        let interval = redrive.interval()?;
        if !self.filter.has_state(State::Dead) {
            return Ok(0);
        }
        let dead = Self { filter: self.filter.clone(), queue: self.queue.clone() };
        let mut search = dead.search(Detail::Row)?;
        search.filter.states = vec![State::Dead];
        search.died_by_now = true;
        if interval > 0 {
            self.refuse_endless(&search, interval)?;
        }
        let mut redriven = 0;
        self.change(search.clone(), |tasks| {
            let after = i64::try_from(redriven).unwrap_or(i64::MAX).saturating_mul(interval);
            let due = search.now.moved(after).monotonic;
            let revival = Revival { keep_attempts: redrive.keep_attempts, due, interval };
            match self.queue.core.submit(Operation::Redrive { tasks, revival })? {
                Answer::Redriven(tasks) => redriven += tasks,
                _ => return Err(Error::unanswered()),
            }
            Ok(())
        })?;
        Ok(redriven)
    }

    /// Cancels them: those that wait end at once; of those that run it is requested. Dead tasks have ended already.
    ///
    /// The handler of a running task is notified by [`Context::cancelled`](crate::Context::cancelled): at once
    /// in this process, within about a second in others. If it then returns an error, or its lease ends in another way,
    /// the task is cancelled and not run again, also if it had attempts left; if it returns `Ok`, the task is completed.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a filter outside [`crate::limits`]; an engine's failure: earlier transactions stay.
    pub fn cancel(&self) -> Result<CancelCount> {
        self.filter.validate()?;
        let mut count = CancelCount::default();
        let Some(search) = self.searching(&[State::Ready, State::Scheduled, State::Leased])? else {
            return Ok(count);
        };
        let states = search.filter.states.clone();
        self.change(search, |tasks| {
            let targets = Targets { tasks, states: states.clone() };
            match self.queue.core.submit(Operation::Cancel(targets))? {
                Answer::Cancelled(cancelled) => {
                    count.ended += cancelled.ended;
                    count.requested += cancelled.requested.len() as u64;
                }
                _ => return Err(Error::unanswered()),
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Deletes them with their payloads, and returns how many. Running tasks are not deleted: cancel them first.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a filter outside [`crate::limits`]; an engine's failure: earlier transactions stay.
    pub fn delete(&self) -> Result<u64> {
        self.filter.validate()?;
        let states =
            [State::Ready, State::Scheduled, State::Dead, State::Completed, State::Cancelled];
        let mut deleted = 0;
        let Some(search) = self.searching(&states)? else { return Ok(deleted) };
        let states = search.filter.states.clone();
        self.change(search, |tasks| {
            let targets = Targets { tasks, states: states.clone() };
            match self.queue.core.submit(Operation::Delete(targets))? {
                Answer::Deleted(tasks) => deleted += tasks,
                _ => return Err(Error::unanswered()),
            }
            Ok(())
        })?;
        Ok(deleted)
    }

    /// A search for tasks in those of these states that the filter means; `None` if it means none of them.
    fn searching(&self, states: &[State]) -> Result<Option<Search>> {
        let mut search = self.search(Detail::Row)?;
        search.filter.states =
            states.iter().copied().filter(|state| self.filter.has_state(*state)).collect();
        Ok((!search.filter.states.is_empty()).then_some(search))
    }

    /// Calls `change` with the tasks of each transaction.
    fn change(
        &self,
        search: Search,
        mut change: impl FnMut(Vec<Target>) -> Result<()>,
    ) -> Result<()> {
        let search = Search { tasks_max: ACT_TASKS_MAX, bytes_max: ACT_BYTES_MAX, ..search };
        self.each_step(&search, |found| match found.hits.as_slice() {
            [] => Ok(()),
            hits => change(hits.iter().map(Hit::target).collect()),
        })
    }

    /// Refuses a rate at which the last task would be due too late.
    fn refuse_endless(&self, search: &Search, interval: i64) -> Result<()> {
        let mut tasks = 0_i64;
        self.each_step(search, |found| {
            tasks += i64::try_from(found.hits.len()).unwrap_or(i64::MAX);
            Ok(())
        })?;
        let longest = i64::try_from(DELAY_MAX.as_micros()).unwrap_or(i64::MAX);
        if tasks.saturating_mul(interval) > longest {
            let reason =
                format!("too low: the last of {tasks} tasks would be due in more than ten years");
            return Err(Error::invalid("rate", reason));
        }
        Ok(())
    }
}
