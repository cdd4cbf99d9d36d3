//! Which tasks a claim takes: the first ready ones over all its lanes that their limits let start.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use rusqlite::params;

use super::admission::Admission;
use super::lines::Lines;
use crate::engine::sqlite::batch::lanes::{Keyed, Lane};
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
pub(super) type Position = (i64, i64);

/// Where tasks of a lane come from.
#[derive(Debug)]
enum Tasks {
    /// Its ready tasks, or its suspects, read ahead.
    InOrder { suspect: bool, read: VecDeque<Position> },
    /// Its keys in turn.
    ByKey(Lines),
}

#[derive(Debug)]
struct Source {
    /// The index of the lane among those of the claim.
    lane: usize,
    tasks: Tasks,
}

/// A task to be leased, and the index of its lane among those of the claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picked {
    pub(super) key: i64,
    pub(super) id: i64,
    pub(super) lane: usize,
    /// The number of the lane that it stands in, if a limit or a key counts it; else 0.
    pub(super) limited_lane: i64,
    pub(super) suspect: bool,
}

/// How many tasks to pick.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) tasks: usize,
    /// Suspects among them.
    pub(super) suspects: usize,
    /// Whether the queue has suspects.
    pub(super) has_suspects: bool,
}

impl Writer {
    /// The first ready tasks over all lanes, as many as are wanted and admitted.
    pub(super) fn pick(
        &self,
        lanes: &[(Lane, Arc<str>)],
        first_key: i64,
        wanted: Wanted,
        admission: &mut Admission,
    ) -> Result<Vec<Picked>> {
        let Wanted { tasks: max, suspects: mut left, has_suspects } = wanted;
        let kinds: &[bool] = if left == 0 { &[false] } else { &[false, true] };
        let chunk = if lanes.len() * kinds.len() == 1 { max } else { max.min(MERGE_CHUNK) };
        let head = |position: Position, index| {
            let rank = position.0.wrapping_sub(first_key).cast_unsigned();
            Reverse((rank, position.1, index))
        };
        let mut sources = Vec::with_capacity(lanes.len() * kinds.len());
        let mut heads = BinaryHeap::with_capacity(lanes.len() * kinds.len());
        for (index, (lane, _)) in lanes.iter().enumerate() {
            if lane.keyed != Keyed::No {
                let mut lines = Lines::new(*lane, first_key, has_suspects, max);
                self.find_next(&mut lines, admission, left > 0)?;
                heads.extend(lines.next.map(|next| head(next.position, sources.len())));
                sources.push(Source { lane: index, tasks: Tasks::ByKey(lines) });
                continue;
            }
            for suspect in kinds {
                let first = (first_key, i64::MIN);
                let mut read = self.positions_after(*suspect, lane.id, first_key, first, chunk)?;
                heads.extend(read.pop_front().map(|position| head(position, sources.len())));
                let tasks = Tasks::InOrder { suspect: *suspect, read };
                sources.push(Source { lane: index, tasks });
            }
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((rank, id, index))) = heads.pop()
        {
            let Some(source) = sources.get_mut(index) else {
                continue;
            };
            let Some((lane, _)) = lanes.get(source.lane) else {
                continue;
            };
            if !admission.admits(*lane) {
                continue;
            }
            let key = first_key.wrapping_add_unsigned(rank);
            let next = match &mut source.tasks {
                Tasks::InOrder { suspect: true, .. } if left == 0 => continue,
                Tasks::InOrder { suspect, read } => {
                    left -= usize::from(*suspect);
                    let limited_lane = if lane.limit == 0 { 0 } else { lane.id };
                    let (lane_index, suspect) = (source.lane, *suspect);
                    picked.push(Picked { key, id, lane: lane_index, limited_lane, suspect });
                    admission.take(*lane);
                    if read.is_empty() && picked.len() < max {
                        *read =
                            self.positions_after(suspect, lane.id, first_key, (key, id), chunk)?;
                    }
                    read.pop_front()
                }
                Tasks::ByKey(lines) => {
                    if lines.next.is_some_and(|next| next.suspect) && left == 0 {
                        lines.skip();
                    } else if let Some((limited_lane, next)) = lines.take(admission) {
                        left -= usize::from(next.suspect);
                        let (lane_index, suspect) = (source.lane, next.suspect);
                        picked.push(Picked { key, id, lane: lane_index, limited_lane, suspect });
                        admission.take(*lane);
                    }
                    if picked.len() < max {
                        self.find_next(lines, admission, left > 0)?;
                    }
                    lines.next.map(|next| next.position)
                }
            };
            heads.extend(next.map(|position| head(position, index)));
        }
        for source in &sources {
            if let Tasks::ByKey(lines) = &source.tasks {
                self.save_lines(lines)?;
            }
        }
        self.save(admission)?;
        Ok(picked)
    }

    /// Up to `limit` positions of a lane after another one, in the order that begins at `first_key` and wraps around.
    pub(super) fn positions_after(
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
