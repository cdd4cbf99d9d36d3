//! All state of a transaction in progress: lanes, counters, queue settings and ids. A rollback clears it.

use std::sync::Arc;

use rusqlite::{Connection, Result};

use crate::engine::DeferredLog;
use crate::engine::sqlite::batch::counters::Counters;
use crate::engine::sqlite::batch::ids::Ids;
use crate::engine::sqlite::batch::lanes::Lanes;
use crate::engine::sqlite::batch::limits::Limits;
use crate::engine::sqlite::batch::queues::Queues;
use crate::engine::sqlite::schema::Features;
use crate::time::Moment;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The time of the transaction.
    pub(crate) now: Moment,
    /// Keys added for which no idle ones have been looked at yet.
    pub(crate) keys_added: u32,
    /// The features in use, as last read: at the latest at the start of the transaction.
    pub(crate) features: Features,
    /// Whether rows of the inbox are left for the next transaction.
    pub(crate) inbox_left: bool,
    pub(crate) lanes: Lanes,
    pub(crate) counters: Counters,
    pub(crate) limits: Limits,
    pub(crate) queues: Queues,
    /// Whether the transaction is a caller's: the savepoint of the call undoes failures, and unused names are not
    /// freed.
    pub(crate) of_caller: bool,
    pub(crate) ids: Ids,
    /// The last unique key that was looked at, by its task, for whether it is free.
    pub(crate) swept_to: Option<i64>,
    /// Log lines. Those of a caller's transaction are dropped, as the queue's own transactions log the same.
    pub(crate) log: Arc<DeferredLog>,
}

impl Ledger {
    /// A ledger for all transactions of a connection.
    pub(crate) fn of_connection(log: Arc<DeferredLog>) -> Self {
        let lanes = Lanes::new(log.clone());
        Self { ids: Ids::reserving(), lanes, log, ..Self::default() }
    }

    /// For a caller's transaction at this time. Its connection may check foreign keys, so that deleting a lane would
    /// scan every task.
    pub(crate) fn of_caller(now: Moment) -> Self {
        Self { now, of_caller: true, ..Self::default() }
    }

    /// Prepares to add tasks: discards cached ids and lanes that another connection may have changed.
    pub(crate) fn begin_adding(&mut self, connection: &Connection) -> Result<()> {
        if let Some(freed) = self.ids.check(connection)? {
            self.lanes.keep_if_current(freed);
        }
        Ok(())
    }

    /// The next id.
    pub(crate) fn take_id(&mut self, connection: &Connection) -> Result<i64> {
        self.begin_adding(connection)?;
        Ok(self.ids.take(1))
    }

    /// Marks a feature as in use, inside a transaction.
    pub(crate) fn use_feature(&mut self, connection: &Connection, feature: i64) -> Result<()> {
        if !self.features.has(feature) {
            self.features = Features(self.features.0 | feature);
            connection
                .prepare_cached("UPDATE prismq_meta SET features = features | ?1")?
                .execute([feature])?;
        }
        Ok(())
    }

    /// Marks a feature as not in use any more, inside a transaction.
    pub(crate) fn end_feature(&mut self, connection: &Connection, feature: i64) -> Result<()> {
        self.features = Features(self.features.0 & !feature);
        connection
            .prepare_cached("UPDATE prismq_meta SET features = features & ~?1")?
            .execute([feature])
            .map(drop)
    }

    /// Writes the ledger, inside its transaction.
    pub(crate) fn flush(&mut self, connection: &Connection) -> Result<()> {
        self.ids.flush(connection)?;
        self.queues.flush(connection)?;
        self.limits.flush(connection, self.now)?;
        self.counters.flush(connection, self.features, &self.log, self.now)
    }

    /// Clears it after a rollback.
    pub(crate) fn clear(&mut self) {
        self.lanes.clear();
        self.counters.clear();
        self.limits.clear();
        self.queues.clear();
        self.ids.clear();
        self.log.truncate_pending(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::engine::FileOptions;
    use crate::engine::sqlite::open::open;
    use crate::engine::sqlite::tests::{NOW, claim_of, writer};
    use crate::engine::sqlite::writer::Writer;

    use crate::engine::{Answer, Operation};
    use crate::model::limits::BUSY_WAIT_DEFAULT;
    use crate::model::{Durability, Error, NewTask, Result};
    use crate::time::ManualClock;

    fn apply(writer: &mut Writer, batch: &[Operation]) -> Result<Vec<Answer>> {
        writer.apply(&ManualClock::new(NOW), batch)?.into_iter().collect()
    }

    fn enqueue(task_type: &str) -> Operation {
        Operation::Enqueue(vec![NewTask::new(task_type, [])])
    }

    /// Has a transaction that adds a task of this type fail for want of room, and another writer go on.
    fn after_a_rollback(
        task_type: &str,
        other: &[Operation],
    ) -> (tempfile::TempDir, Writer, Writer) {
        let (folder, mut writer) = writer();
        apply(&mut writer, &[enqueue("job")]).unwrap();
        let bound = |writer: &Writer, pages: u32| {
            writer.connection.pragma_update(None, "max_page_count", pages).unwrap();
        };
        bound(&writer, 100);
        let large = Operation::Enqueue(vec![NewTask::new("job", vec![0; 1 << 20])]);
        let full = apply(&mut writer, &[enqueue(task_type), large]);
        assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
        bound(&writer, 100_000);

        let options = FileOptions {
            path: writer.path.clone(),
            attach: false,
            durability: Durability::Normal,
            busy_wait: BUSY_WAIT_DEFAULT,
            free_bytes_max: u64::MAX,
            clock: Arc::new(ManualClock::new(NOW)),
        };
        let mut another = open(&options, &Arc::default()).unwrap().0;
        apply(&mut another, other).unwrap();
        (folder, writer, another)
    }

    /// Id and type of each task, and what the counters say of ready and enqueued ones.
    fn tasks(writer: &Writer) -> (Vec<(i64, String)>, (i64, i64)) {
        let connection = &writer.connection;
        let mut select = connection
            .prepare("SELECT prismq_task.id, type FROM prismq_task JOIN prismq_lane ON prismq_lane.id = lane ORDER BY prismq_task.id")
            .unwrap();
        let tasks = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let counted = "SELECT sum(ready), sum(enqueued) FROM prismq_queue";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let counted = connection.query_row(counted, [], read).unwrap();
        (tasks.collect::<rusqlite::Result<_>>().unwrap(), counted)
    }

    #[test]
    fn a_rolled_back_transaction_leaves_no_id_lane_or_count_behind() {
        let (_folder, mut writer, _another) =
            after_a_rollback("new", &[enqueue("other"), enqueue("other"), enqueue("other")]);
        apply(&mut writer, &[enqueue("new")]).unwrap();
        let (tasks, counted) = tasks(&writer);
        let types: Vec<_> = tasks.iter().map(|(_, task_type)| task_type.as_str()).collect();
        assert_eq!(types, ["job", "other", "other", "other", "new"]);
        assert_eq!(counted, (5, 5));
    }

    #[test]
    fn a_rolled_back_transaction_leaves_no_setting_behind() {
        let pause = Operation::SetPaused { queue: "default".into(), paused: true };
        let (_folder, mut writer, _another) = after_a_rollback("job", &[pause]);
        let answers = apply(&mut writer, &[enqueue("job"), claim_of(9)]).unwrap();
        let [_, Answer::Claimed(claimed)] = answers.as_slice() else { panic!("{answers:?}") };
        assert!(claimed.paused && claimed.leases.is_empty(), "{claimed:?}");
    }
}
