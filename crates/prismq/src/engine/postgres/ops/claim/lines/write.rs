//! Writing what was taken of keys and lines, and which lines are to be looked at again.

use std::collections::HashSet;

use super::{Keys, Line, Lines};
use crate::engine::postgres::client::Value;

/// Writes what was taken of keys.
pub(crate) const SET_KEYS: &str = "UPDATE prismq.key k SET arrival = c.arrival, holder = c.holder, due_at = c.due_at
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) c (id, arrival, holder, due_at)
     WHERE k.id = ANY (ARRAY[c.id]) AND (k.arrival, k.holder, k.due_at) IS DISTINCT FROM (c.arrival, c.holder, c.due_at)";
/// Writes the next turns of lines.
pub(crate) const SET_LINES: &str = "UPDATE prismq.line l SET turn = c.turn
     FROM unnest($1::integer[], $2::bigint[]) c (id, turn) WHERE l.id = ANY (ARRAY[c.id]) AND l.turn <> c.turn";
/// Deletes rows that asked for lines, and adds one for each that has another task.
pub(crate) const SET_TURNS: &str = "WITH d AS (DELETE FROM prismq.turn WHERE ctid = ANY ($1::text[]::tid[]))
     INSERT INTO prismq.turn (lane, turn, line) SELECT * FROM unnest($2::integer[], $3::bigint[], $4::integer[])";

/// What is to be written of keys.
#[derive(Debug, Default)]
pub(in crate::engine::postgres::ops::claim) struct KeyChanges {
    ids: Vec<i64>,
    arrivals: Vec<i64>,
    holders: Vec<Option<i64>>,
    due: Vec<Option<i64>>,
    /// The keys that let no other task start.
    full: HashSet<i64>,
}

impl KeyChanges {
    pub(in crate::engine::postgres::ops::claim) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The parameters of [`SET_KEYS`].
    pub(in crate::engine::postgres::ops::claim) fn values(&self) -> [&dyn Value; 4] {
        [&self.ids, &self.arrivals, &self.holders, &self.due]
    }
}

/// What is to be written of lines and of the rows that ask for them.
#[derive(Debug, Default)]
pub(in crate::engine::postgres::ops::claim) struct TurnChanges {
    lines: Vec<i32>,
    turns: Vec<i64>,
    deleted: Vec<String>,
    open_lanes: Vec<i32>,
    open_turns: Vec<i64>,
    open_lines: Vec<i32>,
}

impl TurnChanges {
    pub(in crate::engine::postgres::ops::claim) fn is_empty(&self) -> bool {
        self.deleted.is_empty()
    }

    /// The parameters of [`SET_LINES`].
    pub(in crate::engine::postgres::ops::claim) fn of_lines(&self) -> [&dyn Value; 2] {
        [&self.lines, &self.turns]
    }

    /// The parameters of [`SET_TURNS`].
    pub(in crate::engine::postgres::ops::claim) fn of_turns(&self) -> [&dyn Value; 4] {
        [&self.deleted, &self.open_lanes, &self.open_turns, &self.open_lines]
    }
}

impl Lines {
    /// What is to be written of lines.
    pub(in crate::engine::postgres::ops::claim) fn changes(
        all: &mut [Self],
        keys: &KeyChanges,
    ) -> TurnChanges {
        let mut changes = TurnChanges::default();
        for lines in all {
            let lane = lines.base.id;
            for line in &mut lines.lines {
                line.closed |=
                    keys.full.contains(&line.key) || line.tasks.is_empty() && !line.has_more;
                if !line.closed && !line.taken {
                    continue;
                }
                changes.deleted.append(&mut line.hints);
                if line.taken {
                    changes.lines.push(line.id);
                    changes.turns.push(line.turn);
                }
                if !line.closed {
                    changes.open_lanes.push(lane);
                    changes.open_turns.push(line.turn);
                    changes.open_lines.push(line.id);
                }
            }
        }
        changes
    }
}

impl Keys {
    /// What is to be written of keys that were taken of, or that kept lines from going on.
    pub(in crate::engine::postgres::ops::claim) fn changes(
        mut self,
        all: &[Lines],
        now: i64,
    ) -> KeyChanges {
        let mut changes = KeyChanges::default();
        let waits = |line: &&Line| line.has_more || !line.tasks.is_empty();
        for line in all.iter().flat_map(|lines| &lines.lines).filter(waits) {
            if let Some(key) = self.states.get_mut(&line.key) {
                key.blocked |= !key.admits(now);
            }
        }
        for (id, key) in self.states {
            let due_at = key.due_at(now);
            if !key.admits(now) {
                changes.full.insert(id);
            }
            if key.taken > 0 || due_at.is_some() {
                changes.ids.push(id);
                changes.arrivals.push(key.arrival);
                changes.holders.push(key.holder);
                changes.due.push(due_at);
            }
        }
        changes
    }
}
