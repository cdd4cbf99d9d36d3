//! Checking whether a claim would find a task, without a write transaction.

use rusqlite::{OptionalExtension, Row, params};

use crate::engine::sqlite::batch::lanes::Keyed;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Claim, Result};
use crate::time::Timestamp;

/// Whether a lane has a ready task, or a suspect if those count, of a queue that is not paused and lets one more task
/// run. A row says yes, and whether the queue bounds how many run.
pub(crate) const HAS_READY: &str = "SELECT concurrency IS NOT NULL FROM prismq_queue
     WHERE id = ?2 AND NOT paused AND (concurrency IS NULL OR leased < concurrency)
     AND (EXISTS (SELECT 1 FROM prismq_task WHERE state = 0 AND lane = ?1)
          OR (?3 AND suspects > 0 AND EXISTS (SELECT 1 FROM prismq_task WHERE state = 5 AND lane = ?1)))";

/// The same for the lane of tasks that have keys: whether a line is open, or can be.
pub(crate) const HAS_OPEN: &str = "SELECT concurrency IS NOT NULL FROM prismq_queue
     WHERE id = ?2 AND NOT paused AND (concurrency IS NULL OR leased < concurrency)
     AND (EXISTS (SELECT 1 FROM prismq_line WHERE state = 1 AND base = ?1)
          OR EXISTS (SELECT 1 FROM prismq_key WHERE due_at <= ?3))";

/// Whether a queue is paused, and whether as many of its tasks run as may; NULL if any number may.
const STANDS_STILL: &str = "SELECT paused, leased >= concurrency FROM prismq_queue WHERE name = ?1";

/// What a claim would find.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Whether it would perhaps find a task.
    pub(crate) ready: bool,
    /// Whether it would if it might take tasks that a limit counts.
    pub(crate) limited_left: bool,
    /// When a task may start that waits for the rate of its limit or key.
    pub(crate) next_start: Option<Timestamp>,
}

impl Writer {
    /// Whether a claim would find a task.
    pub(crate) fn look(&mut self, now: Timestamp, claim: &Claim) -> Result<Look> {
        let now = now.as_micros();
        let (mut look, mut next_start) = (Look::default(), None);
        for (lane, _) in self.lanes_of(claim)? {
            let keyed = lane.keyed != Keyed::No;
            let found = match keyed {
                true => self.prepare(HAS_OPEN)?.query_row([lane.id, lane.queue, now], first),
                false => {
                    let suspects = claim.suspects_max > 0;
                    let params = params![lane.id, lane.queue, suspects];
                    self.prepare(HAS_READY)?.query_row(params, first)
                }
            };
            if keyed {
                next_start = self.first_due()?.into_iter().chain(next_start).min();
            }
            let Some(queue_is_limited) = found.optional().map_err(|error| self.failure(error))?
            else {
                continue;
            };
            if claim.limited_max == 0 && (queue_is_limited || lane.is_limited()) {
                look.limited_left = true;
                continue;
            }
            if lane.limit != 0
                && let Some(limit) = self.limit_state(lane.limit)?
            {
                let next = limit.next_start(now);
                if next > now {
                    next_start = next_start.into_iter().chain([next]).min();
                }
                if next > now || !limit.has_slot() {
                    continue;
                }
            }
            look.ready = true;
            break;
        }
        look.next_start = next_start.map(Timestamp::from_micros);
        Ok(look)
    }

    /// Whether the claim's queue is paused, and whether as many of its tasks run as may.
    pub(crate) fn stands_still(&mut self, claim: &Claim) -> Result<(bool, bool)> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, Option<bool>>(1)?));
        let found = self.prepare(STANDS_STILL)?.query_row([&*claim.queue], read).optional();
        let (paused, no_slot) = found.map_err(|error| self.failure(error))?.unwrap_or_default();
        Ok((paused, no_slot.unwrap_or(false)))
    }
}

fn first(row: &Row<'_>) -> rusqlite::Result<bool> {
    row.get(0)
}
