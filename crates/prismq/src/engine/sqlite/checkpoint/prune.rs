//! Keeping the retention of queues, on the thread that checkpoints: what is beyond it is deleted in steps, of idle
//! queues too.
//!
//! The thread checks about a second after a commit, until nothing has changed between two checks; and every
//! [`AGE_INTERVAL`] where tasks are kept for a time. A step never waits for the write lock.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Result, TransactionBehavior};

use crate::engine::Targets;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::kept::retention::{self, Excess};
use crate::engine::sqlite::batch::kept::type_retention;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::manage::{self, retain};
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::{error, schema};
use crate::model::State;
use crate::time::Moment;

/// How often retention is checked while transactions are committed.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often the age of tasks is checked.
const AGE_INTERVAL: Duration = Duration::from_secs(60);
/// How many times as long as a step the pause after it is.
const PAUSE_SHARE: u32 = 10;

/// When to prune.
#[derive(Debug, Default)]
pub(super) struct Pruner {
    /// When to check next, after a commit.
    next: Option<Instant>,
    /// When to check the age of tasks, while nothing is committed.
    ages: Option<Instant>,
    /// `PRAGMA data_version` at the last check; `None` before the first.
    version: Option<i64>,
}

impl Pruner {
    /// When to call [`Self::check`], after a commit.
    pub(super) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// When to call [`Self::check`] at the latest.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.next.into_iter().chain(self.ages).min()
    }

    /// Something was committed, or time has jumped.
    pub(super) fn wake(&mut self, now: Instant) {
        self.next = self.next.or(Some(now + CHECK_INTERVAL));
    }

    /// Whether something was committed since the last check.
    pub(super) fn has_missed_a_commit(&self, connection: &Connection) -> bool {
        version(connection).is_ok_and(|version| self.version != Some(version))
    }

    /// Does nothing until the next commit.
    pub(super) const fn rest(&mut self) {
        self.next = None;
        self.ages = None;
    }

    /// Deletes some of what is beyond retention at this moment.
    pub(super) fn check(&mut self, connection: &Connection, now: Moment) -> Result<()> {
        let version = version(connection)?;
        let others_write = self.version.replace(version) != Some(version);
        let started = Instant::now();
        self.rest();
        if others_write {
            self.next = Some(started + CHECK_INTERVAL);
        }
        let (version, features) = schema::meta(connection)?;
        if version != schema::VERSION || features.has(Features::MOVED) {
            return Ok(());
        }
        let queues: Vec<i64> = connection
            .prepare_cached(retention::QUEUES)?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_>>()?;
        if !queues.is_empty() {
            self.ages = Some(started + AGE_INTERVAL);
        }
        if features.has(Features::TYPE_RETENTION) {
            self.ages = Some(started + AGE_INTERVAL);
            for queue in type_retention::queues(connection)? {
                if !type_retention::over(connection, queue, now)?.is_empty() {
                    let pruned = prune_types(connection, queue, now);
                    self.pause_after(pruned, started)?;
                }
            }
        }
        for queue in queues {
            // Found without the write lock; what was found is checked again under it.
            let excess = retention::excess(connection, queue, now)?;
            if excess.is_empty() {
                continue;
            }
            let pruned = delete(connection, queue, &excess, now).map(|()| excess.more);
            self.pause_after(pruned, started)?;
        }
        Ok(())
    }

    /// Decides when to check next after a step, of which the result says whether there is more.
    fn pause_after(&mut self, pruned: Result<bool>, started: Instant) -> Result<()> {
        match pruned {
            Err(error) if error::is_busy(&error) => {
                self.next = Some(Instant::now() + CHECK_INTERVAL);
            }
            pruned => {
                if pruned? {
                    self.next = Some(Instant::now() + started.elapsed() * PAUSE_SHARE);
                }
            }
        }
        Ok(())
    }
}

/// Deletes tasks that were kept for the time of their type, and returns whether there are more.
fn prune_types(connection: &Connection, queue: i64, now: Moment) -> Result<bool> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let mut tasks = type_retention::over(&transaction, queue, now)?;
    let more = tasks.len() > STEP_TASKS_MAX;
    tasks.truncate(STEP_TASKS_MAX);
    let mut ledger = Ledger::of_caller(now);
    (_, ledger.features) = schema::meta(&transaction)?;
    if ledger.features.has(Features::MOVED) {
        return Ok(false);
    }
    let states = vec![State::Dead];
    manage::delete::delete(&transaction, &mut ledger, &Targets { tasks, states })?;
    ledger.flush(&transaction)?;
    transaction.commit()?;
    Ok(more)
}

fn delete(connection: &Connection, queue: i64, excess: &Excess, now: Moment) -> Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let mut ledger = Ledger::of_caller(now);
    (_, ledger.features) = schema::meta(&transaction)?;
    if ledger.features.has(Features::MOVED) {
        return Ok(());
    }
    retain::delete(&transaction, &mut ledger, queue, excess)?;
    ledger.flush(&transaction)?;
    transaction.commit()
}

/// A number that changes whenever another connection commits.
fn version(connection: &Connection) -> Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

    use super::Pruner;
    use crate::engine::Operation;
    use crate::engine::sqlite::connection::connect;
    use crate::engine::sqlite::tests::{NOW, writer};
    use crate::model::{Keep, Retention};
    use crate::time::{ManualClock, Moment};

    /// Others delete tasks of the queue after the excess was found and before its transaction begins.
    const DELETE_FOUR: &str = "DELETE FROM prismq_task WHERE id > 2;
        UPDATE prismq_queue SET dead = 2";
    const ADD_SIX: &str =
        "INSERT INTO prismq_lane (id, queue, type) VALUES (1, 1, 'job');
         INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts, enqueued_at, run_at)
             VALUES (1, 1, 3, 0, 0, 1, 0, 1), (2, 1, 3, 0, 0, 1, 0, 2), (3, 1, 3, 0, 0, 1, 0, 3),
                    (4, 1, 3, 0, 0, 1, 0, 4), (5, 1, 3, 0, 0, 1, 0, 5), (6, 1, 3, 0, 0, 1, 0, 6);
         UPDATE prismq_queue SET dead = 6";

    #[test]
    fn what_others_delete_after_the_excess_was_found_counts() {
        let (_folder, mut writer) = writer();
        let retention = Retention { dead: Keep::last(2), ..Retention::default() };
        let set = Operation::SetRetention { queue: "default".into(), retention };
        writer.apply(&ManualClock::new(NOW), &[set]).unwrap().remove(0).unwrap();
        writer.connection.execute_batch(ADD_SIX).unwrap();
        #[allow(unused_mut, reason = "from rusqlite 0.42 on, an authorizer is set by &mut")]
        let mut connection = connect(&writer.path).unwrap();
        let path = writer.path.clone();
        let mut is_first = true;
        connection
            .authorizer(Some(move |context: AuthContext<'_>| {
                let begins = matches!(context.action, AuthAction::Transaction { .. });
                if begins && std::mem::take(&mut is_first) {
                    let other = Connection::open(&path).unwrap();
                    other.execute_batch(DELETE_FOUR).unwrap();
                }
                Authorization::Allow
            }))
            .unwrap();
        let now = Moment { wall: NOW, monotonic: NOW };
        Pruner::default().check(&connection, now).unwrap();
        let left = "SELECT group_concat(id) FROM prismq_task";
        let left: String = writer.connection.query_row(left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, "1,2");
    }
}
