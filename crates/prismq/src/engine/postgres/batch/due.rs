//! When a claim may find something that it did not find before.

use tokio_postgres::Row;

use super::columns::Columns;
use crate::model::Result;
use crate::time::{Moment, Timestamp};

/// When what is scheduled, leased or has a time to live is to be looked at next.
pub(crate) const NEXT_DUE: &str =
    "SELECT (SELECT min(run_at) FROM prismq.scheduled), (SELECT min(at) FROM prismq.expiry),
     (SELECT min(at) FROM prismq.deadline),
     (SELECT min(next_at) FROM prismq.schedule WHERE next_at IS NOT NULL AND (cron IS NULL OR $1))";

/// When something is to be looked at next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Due {
    pub(crate) scheduled: Option<i64>,
    pub(crate) expiry: Option<i64>,
    pub(crate) deadline: Option<i64>,
    /// The next slot of a schedule, by the wall clock.
    pub(crate) slot: Option<i64>,
}

impl Due {
    /// From the columns from this one on.
    pub(super) fn read(row: &Row, from: usize) -> Result<Self> {
        Ok(Self {
            scheduled: row.column(from)?,
            expiry: row.column(from + 1)?,
            deadline: row.column(from + 2)?,
            slot: row.column(from + 3)?,
        })
    }

    /// The first of them, by the monotonic time.
    pub(crate) fn first(self, now: Moment) -> Option<Timestamp> {
        let all = [self.scheduled, self.expiry, self.deadline];
        let slot = self.slot.map(|slot| now.to_monotonic(Timestamp::from_micros(slot)));
        all.into_iter().flatten().map(Timestamp::from_micros).chain(slot).min()
    }
}
