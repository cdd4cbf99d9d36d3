//! Reading the tasks of a filter.

use super::Tasks;
use crate::engine::{Detail, Found, SEARCH_STEP_TASKS, Search};
use crate::model::limits::{PAGE_BYTES_MAX, PAGE_TASKS_MAX};
use crate::model::{
    Cursor, Error, ErrorGroups, ErrorSummary, Page, Position, QueueStats, Result, State, TaskId,
};
use crate::time::Moment;

impl Tasks {
    /// A page of up to `limit` tasks, from where the page with this cursor ended.
    ///
    /// Dead tasks come first, in the order in which they died; then ready ones in the order of their queue, scheduled ones
    /// by due time, running ones by id, and kept ones in the order in which they ended; each of these by type. A task
    /// that changes its state between two pages may be on both or on neither.
    ///
    /// A page with [`PAGE_BYTES_MAX`] of payloads ends early. A page without a task has no next one.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a filter outside [`crate::limits`] or a limit that is 0 or above [`PAGE_TASKS_MAX`];
    /// an engine's failure.
    pub fn list(&self, limit: usize, after: Option<Cursor>) -> Result<Page> {
        self.filter.validate()?;
        if !(1..=PAGE_TASKS_MAX).contains(&limit) {
            let reason = format!("{limit} tasks, must be 1 to {PAGE_TASKS_MAX}");
            return Err(Error::invalid("page", reason));
        }
        let search = Search { last_id: TaskId::from_i64(i64::MAX), ..self.search(Detail::Row)? };
        let mut tasks = Vec::new();
        let mut bytes = 0_u64;
        let mut after = after.map(|cursor| cursor.0);
        loop {
            let left = limit - tasks.len();
            let step = Search { tasks_max: left, ..search.clone() };
            let Found { hits, next } = self.step(&step, after)?;
            for hit in hits {
                // It may have ended since it was found.
                if let Some(task) = self.queue.task(hit.id)? {
                    bytes += hit.bytes;
                    tasks.push(task);
                }
                if tasks.len() == limit || bytes >= PAGE_BYTES_MAX as u64 {
                    return Ok(Page { tasks, next: Some(Cursor(hit.position)) });
                }
            }
            match next {
                Some(position) => after = Some(position),
                None => return Ok(Page { tasks, next: None }),
            }
        }
    }

    /// How many tasks there are.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a filter outside [`crate::limits`]; an engine's failure.
    pub fn count(&self) -> Result<u64> {
        self.filter.validate()?;
        let filter = &self.filter;
        if filter.types.is_empty() && filter.key.is_none() && !filter.reads_rows() {
            return self.counted();
        }
        let mut count = 0;
        self.each_step(&self.search(Detail::Id)?, |found| {
            count += found.hits.len() as u64;
            Ok(())
        })?;
        Ok(count)
    }

    /// The dead tasks among them by the [`Fingerprint`](crate::Fingerprint) of their errors: what fails, how often, and
    /// since when.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a filter outside [`crate::limits`]; an engine's failure.
    pub fn errors(&self) -> Result<ErrorSummary> {
        self.filter.validate()?;
        if !self.filter.has_state(State::Dead) {
            return Ok(ErrorSummary::default());
        }
        let mut search = self.search(Detail::Error)?;
        search.filter.states = vec![State::Dead];
        let mut groups = ErrorGroups::default();
        self.each_step(&search, |found| {
            for hit in found.hits {
                let died_at = search.now.to_wall(hit.died_at.unwrap_or_default());
                groups.add(hit.id, hit.error.unwrap_or_default(), died_at);
            }
            Ok(())
        })?;
        Ok(groups.into_summary())
    }

    /// How many tasks the counters say.
    fn counted(&self) -> Result<u64> {
        let of = |stats: QueueStats| -> u64 {
            let counters = [
                (State::Ready, stats.ready),
                (State::Scheduled, stats.scheduled),
                (State::Leased, stats.leased),
                (State::Dead, stats.dead),
                (State::Completed, stats.kept),
                (State::Cancelled, stats.cancelled_kept),
            ];
            let meant = counters.into_iter().filter(|(state, _)| self.filter.has_state(*state));
            meant.map(|(_, count)| count).sum()
        };
        match &self.filter.queue {
            Some(queue) => self.queue.stats(queue).map(of),
            None => Ok(self.queue.queues()?.into_iter().map(|queue| of(queue.stats)).sum()),
        }
    }

    /// A search for the tasks that are there now.
    pub(super) fn search(&self, detail: Detail) -> Result<Search> {
        Ok(Search {
            filter: self.filter.clone(),
            now: Moment::now(self.queue.core.clock()),
            last_id: self.queue.core.engine()?.last_id()?,
            died_by_now: false,
            detail,
            tasks_max: SEARCH_STEP_TASKS,
            bytes_max: u64::MAX,
        })
    }

    /// Calls `each` with what each step finds, until the end.
    pub(super) fn each_step(
        &self,
        search: &Search,
        mut each: impl FnMut(Found) -> Result<()>,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let mut found = self.step(search, after)?;
            after = found.next.take();
            each(found)?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn step(&self, search: &Search, after: Option<Position>) -> Result<Found> {
        self.queue.core.engine()?.find(search, after)
    }
}
