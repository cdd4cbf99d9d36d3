//! Which tasks a claim takes: the first ready ones over all its lanes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use rusqlite::params;

use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::writer::Writer;
use crate::model::Result;

/// Ready tasks of a lane, in order.
pub(crate) const READY_AFTER: &str = "SELECT order_key, id FROM prismq_task
     WHERE state = 0 AND lane = ?1 AND (order_key, id) > (?2, ?3)
     ORDER BY order_key, id LIMIT ?4";
/// Suspects of a lane, in order.
pub(crate) const SUSPECTS_AFTER: &str = "SELECT order_key, id FROM prismq_task
     WHERE state = 5 AND lane = ?1 AND (order_key, id) > (?2, ?3)
     ORDER BY order_key, id LIMIT ?4";

/// Tasks read from each lane at a time while several are merged.
const MERGE_CHUNK: usize = 32;

/// A ready task's position: its order key, then its id.
type Position = (i64, i64);

/// Ready tasks of a lane, or its suspects, read ahead.
#[derive(Debug)]
struct Source {
    /// The index of the lane among those of the claim.
    lane: usize,
    suspect: bool,
    read: VecDeque<Position>,
}

/// A task to be leased, and the index of its lane among those of the claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picked {
    pub(super) key: i64,
    pub(super) id: i64,
    pub(super) lane: usize,
    pub(super) suspect: bool,
}

impl Writer {
    /// The first `max` ready tasks over all lanes, up to this many suspects among them.
    pub(super) fn pick(
        &self,
        lanes: &[(Lane, Arc<str>)],
        first_key: i64,
        max: usize,
        suspects_max: usize,
    ) -> Result<Vec<Picked>> {
        let mut left = suspects_max;
        let kinds: &[bool] = if left == 0 { &[false] } else { &[false, true] };
        let chunk = if lanes.len() * kinds.len() == 1 { max } else { max.min(MERGE_CHUNK) };
        let head = |position: Position, index| {
            let rank = position.0.wrapping_sub(first_key).cast_unsigned();
            Reverse((rank, position.1, index))
        };
        let mut sources = Vec::with_capacity(lanes.len() * kinds.len());
        let mut heads = BinaryHeap::with_capacity(lanes.len() * kinds.len());
        for (index, (lane, _)) in lanes.iter().enumerate() {
            for suspect in kinds {
                let first = (first_key, i64::MIN);
                let mut read = self.positions_after(*suspect, lane.id, first_key, first, chunk)?;
                heads.extend(read.pop_front().map(|position| head(position, sources.len())));
                sources.push(Source { lane: index, suspect: *suspect, read });
            }
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((rank, id, index))) = heads.pop()
        {
            let Some(source) = sources.get_mut(index) else {
                continue;
            };
            if source.suspect {
                if left == 0 {
                    continue;
                }
                left -= 1;
            }
            let key = first_key.wrapping_add_unsigned(rank);
            picked.push(Picked { key, id, lane: source.lane, suspect: source.suspect });
            if source.read.is_empty()
                && picked.len() < max
                && let Some((lane, _)) = lanes.get(source.lane)
            {
                source.read =
                    self.positions_after(source.suspect, lane.id, first_key, (key, id), chunk)?;
            }
            heads.extend(source.read.pop_front().map(|position| head(position, index)));
        }
        Ok(picked)
    }

    /// Up to `limit` positions of a lane after another one, in the order that begins at `first_key` and wraps around.
    fn positions_after(
        &self,
        suspect: bool,
        lane: i64,
        first_key: i64,
        after: Position,
        limit: usize,
    ) -> Result<VecDeque<Position>> {
        let mut positions = self.positions_above(suspect, lane, after, limit)?;
        if after.0 < first_key {
            positions.retain(|position| position.0 < first_key);
        } else if first_key > i64::MIN && positions.len() < limit {
            let lowest = (i64::MIN, i64::MIN);
            let rest = self.positions_above(suspect, lane, lowest, limit - positions.len())?;
            positions.extend(rest.into_iter().filter(|position| position.0 < first_key));
        }
        Ok(positions)
    }

    fn positions_above(
        &self,
        suspect: bool,
        lane: i64,
        after: Position,
        limit: usize,
    ) -> Result<VecDeque<Position>> {
        self.prepare(if suspect { SUSPECTS_AFTER } else { READY_AFTER })?
            .query_map(params![lane, after.0, after.1, limit], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }
}
