//! Completing, failing, extending and releasing, each fenced: a change applies only if the task is still held with
//! the lease's token. An expired lease holds its task until a claim reclaims it.

pub(crate) mod complete;
pub(crate) mod extend;
pub(crate) mod fail;
pub(crate) mod note;
pub(crate) mod release;

use std::collections::{BTreeMap, HashSet};

use tokio_postgres::Row;

use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::send::Ticket;
use crate::engine::postgres::client::Columns;
use crate::engine::{Answer, Operation};
use crate::model::{Error, LeaseKey, Result, TaskId};

/// Locks tasks in their order. Where several statements of a batch change leased tasks, two batches of a process would else
/// wait for each other, as it applies two at a time.
pub(crate) const LOCK: &str =
    "SELECT FROM prismq.task WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE";

/// The leases of operations that are applied together, and what became of each.
#[derive(Debug)]
struct Keys<'a> {
    /// Of each operation, its lease.
    keys: Vec<&'a LeaseKey>,
    /// Those that are tried: of this database, each once.
    tried: Vec<usize>,
    /// Whether a lease still holds after an operation, so that a second one applies too.
    holds_after: bool,
}

impl<'a> Keys<'a> {
    /// The leases of operations that end them: a second one by the same lease finds it lost.
    fn ended_by(run: &Run<'_, '_>, group: &'a [Operation]) -> Self {
        Self::of(run, group, false)
    }

    /// The leases of operations that they outlast: of several by the same lease, the last counts.
    fn used_by(run: &Run<'_, '_>, group: &'a [Operation]) -> Self {
        Self::of(run, group, true)
    }

    fn of(run: &Run<'_, '_>, group: &'a [Operation], holds_after: bool) -> Self {
        let keys: Vec<&LeaseKey> = group.iter().filter_map(Operation::key).collect();
        let mut tried: BTreeMap<(TaskId, i64), usize> = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            if run.refuse_foreign(key).is_err() {
                continue;
            }
            let first = tried.entry((key.id, key.token)).or_insert(place);
            if holds_after {
                *first = place;
            }
        }
        // In the order of tasks, so that two transactions never wait for each other.
        Self { keys, tried: tried.into_values().collect(), holds_after }
    }

    /// What `column` says of each lease that is tried.
    fn column<T>(&self, mut column: impl FnMut(usize, &LeaseKey) -> T) -> Vec<T> {
        let tried = self.tried.iter().filter_map(|place| Some((*place, *self.keys.get(*place)?)));
        tried.map(|(place, key)| column(place, key)).collect()
    }

    fn ids(&self) -> Vec<i64> {
        self.column(|_, key| key.id.as_i64())
    }

    fn tokens(&self) -> Vec<i64> {
        self.column(|_, key| key.token)
    }

    /// The queue of each lease that is tried.
    fn queues(&self) -> Vec<i32> {
        self.column(|_, key| LeaseNote::from(key.note).queue)
    }

    /// Those of the leases that have ended, by id and token, no longer hold slots of limits.
    fn free_slots(&self, run: &mut Run<'_, '_>, ended: &HashSet<(i64, i64)>) {
        for key in self.column(|_, key| *key) {
            if key.limited && ended.contains(&(key.id.as_i64(), key.token)) {
                run.limits.left_lease(key.id.as_i64());
            }
        }
    }

    /// An answer for each operation: `done` for those that are among `applied`, by id and token.
    fn answers(
        &self,
        run: &Run<'_, '_>,
        applied: &HashSet<(i64, i64)>,
        mut done: impl FnMut(usize, &LeaseKey) -> Answer,
    ) -> Vec<Result<Answer>> {
        let tried: HashSet<usize> = self.tried.iter().copied().collect();
        let is_tried = |place| self.holds_after || tried.contains(&place);
        let mut answers = Vec::with_capacity(self.keys.len());
        for (place, key) in self.keys.iter().enumerate() {
            answers.push(match run.refuse_foreign(key) {
                Err(foreign) => Err(foreign),
                Ok(()) if applied.contains(&(key.id.as_i64(), key.token)) && is_tried(place) => {
                    Ok(done(place, key))
                }
                Ok(()) => Err(Error::LeaseLost { id: key.id, token: key.token }),
            });
        }
        answers
    }
}

/// Operations whose answers are in the rows of a statement that was put off: the leases that it changed.
pub(crate) struct Unanswered<'a> {
    keys: Keys<'a>,
    ticket: Ticket,
    /// The answer to the operation at this place, if it applied.
    done: Box<dyn Fn(usize) -> Answer + 'a>,
}

impl Unanswered<'_> {
    /// An answer for each operation, once the statement was sent.
    pub(super) fn answers(self, run: &mut Run<'_, '_>) -> Result<Vec<Result<Answer>>> {
        let applied = applied(&run.take_answer(self.ticket))?;
        Ok(self.keys.answers(run, &applied, |place, _| (self.done)(place)))
    }
}

/// The leases that a statement changed, from its one row: their ids and tokens, which take the server and the client less
/// time as arrays than as rows. NULL if there are none.
fn applied(rows: &[Row]) -> Result<HashSet<(i64, i64)>> {
    let row = rows.first().ok_or_else(Error::unanswered)?;
    let ids: Option<Vec<i64>> = row.column(0)?;
    let tokens: Option<Vec<i64>> = row.column(1)?;
    Ok(ids.into_iter().flatten().zip(tokens.into_iter().flatten()).collect())
}

/// The leases that a statement changed which returns more of each, from the first columns of its rows.
fn applied_rows(rows: &[Row]) -> Result<HashSet<(i64, i64)>> {
    rows.iter().map(|row| Ok((row.column(0)?, row.column(1)?))).collect()
}
