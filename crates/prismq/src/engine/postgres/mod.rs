//! The engine in a PostgreSQL database.
//!
//! A batch is one transaction ([`ops`]) on one of two connections: one of claims, begins, extensions, releases and notes
//! without a checkpoint alone does not wait for the disk. Tasks have one row each, and are claimed from narrow rows in a table of their own, which
//! several clients take in parallel without waiting for each other. Reads ([`reader`]) have a connection of their own.

mod apply;
mod batch;
mod client;
mod clock;
mod doctor;
mod moving;
mod new_work;
mod ops;
mod reader;
mod schema;

use std::path::Path;
#[cfg(feature = "testing")]
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use self::batch::queues::missing;
use self::batch::run::{self, Run};
use self::batch::shared::Shared;
use self::batch::statements::Statements;
pub(crate) use self::client::Address;
pub(crate) use self::client::caller;
use self::client::{Client, Columns, Role};
use self::clock::Time;
pub use self::doctor::{Diagnosis, Holder, HolderKind, TableHealth};
pub(crate) use self::moving::migrate;
use self::ops::manage::REQUESTED;
use self::ops::upkeep::Upkeep;
use self::reader::Reading;
use super::{
    Answer, ContentionCounters, Engine, Found, Operation, Reader, Search, ServerOptions, Watch,
};
use crate::model::{
    BackupReport, Claim, Contention, Ending, Error, LimitInfo, Payload, Position, QueueInfo,
    QueueStats, Result, RetryInfo, ScheduleInfo, TaskId, TaskInfo, TypeInfo,
};
use crate::time::Clock;

/// The server's settings that matter for durability and speed.
const SETTINGS: &str = "SELECT name, setting || coalesce(' ' || unit, '') FROM pg_catalog.pg_settings
     WHERE name IN ('autovacuum', 'checkpoint_timeout', 'commit_delay', 'fsync', 'full_page_writes', 'max_wal_size',
         'server_version', 'shared_buffers', 'synchronous_commit', 'synchronous_standby_names', 'wal_compression',
         'wal_level', 'wal_sync_method')
     ORDER BY name";

/// Connects, and makes the tables if there are none.
pub(crate) fn open(options: ServerOptions) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(PostgresEngine::open(options)?))
}

/// The queue in one schema of a database.
#[derive(Debug)]
pub(crate) struct PostgresEngine {
    client: Client,
    shared: Shared,
    /// Drawn by chance when the tables were made.
    number: i64,
    clock: Arc<dyn Clock>,
    contention: ContentionCounters,
    upkeep: Upkeep,
    #[cfg(feature = "testing")]
    next_failure: Mutex<Option<Error>>,
}

impl PostgresEngine {
    fn open(options: ServerOptions) -> Result<Self> {
        let ServerOptions { address, durability, wait, clock } = options;
        let schema = address.schema().to_owned();
        let client = Client::open(address, durability, wait, |transaction| {
            schema::migrate(transaction, &schema)
        })?;
        let (time, clock) = Time::new(clock);
        let shared = Shared::new(Statements::new(client.schema()), time);
        let mut engine = Self {
            client,
            shared,
            number: 0,
            clock,
            contention: ContentionCounters::default(),
            upkeep: Upkeep::new(),
            #[cfg(feature = "testing")]
            next_failure: Mutex::default(),
        };
        engine.reading().refresh_lanes()?;
        engine.number = engine.meet()?;
        Ok(engine)
    }

    /// Asks the database for its time, and for its number.
    fn meet(&self) -> Result<i64> {
        let row = self.reading().row(run::TIME, &[])?;
        let row = row.ok_or_else(|| missing("the row of prismq.meta"))?;
        self.shared.time.moment(row.column(0)?);
        row.column(1)
    }

    const fn reading(&self) -> Reading<'_> {
        Reading { client: &self.client, shared: &self.shared }
    }

    /// Lets the transaction in progress fail if a test asked for it.
    #[cfg(feature = "testing")]
    fn fail_if_asked(&self) -> Result<()> {
        let asked = self.next_failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        asked.map_or(Ok(()), Err)
    }

    /// Looks at the tables and at what keeps them from being cleaned.
    pub(crate) fn diagnose(&self) -> Result<Diagnosis> {
        self.reading().diagnose()
    }

    /// Logs what is wrong with the tables.
    fn check_health(&self) {
        match self.diagnose() {
            Ok(found) => {
                for warning in found.warnings {
                    tracing::warn!(warning, "the queue's tables grow or cannot be cleaned");
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the health of the tables is unknown: it is asked for again later");
            }
        }
    }

    /// Does what is due for upkeep, unless another thread does. What fails is done later.
    fn keep_up(&self) {
        let Some(_running) = self.upkeep.begin() else { return };
        if self.upkeep.is_checkup_due() {
            self.check_health();
        }
        let done = self.client.transaction(Role::Relaxed, |transaction| {
            let mut run = Run::begin(transaction, &self.shared, &[])?;
            run.keep_up()?;
            run.finish()?;
            Ok(run.take_log())
        });
        match done {
            Ok(log) => log.into_iter().for_each(|line| self.shared.log.add(line)),
            Err(error) => {
                tracing::debug!(%error, "counters and retention were not kept up: it is tried again later");
            }
        }
    }
}

impl Engine for PostgresEngine {
    fn apply(&self, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.apply_batch(batch)
    }

    /// They have a connection of their own.
    fn claims_in_parallel(&self) -> bool {
        true
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn version(&self) -> Result<i64> {
        // Idle pools ask for it, whose queues have an age too.
        if self.upkeep.is_due_by_now() {
            self.keep_up();
        }
        self.reading().version()
    }

    fn watch(&self, claims: &[Claim]) -> Watch {
        let (lanes, claims) = (self.shared.lanes.clone(), claims.to_vec());
        self.client.watch(Box::new(move |lane| {
            let may_serve = || {
                let lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
                lanes.may_serve(lane, &claims)
            };
            claims.is_empty() || may_serve()
        }))
    }

    fn after_call(&self) {
        if self.upkeep.take_due() {
            self.keep_up();
        }
        self.shared.log.write();
    }

    #[cfg(feature = "testing")]
    fn fail_next_commit(&self, error: Error) {
        *self.next_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn contention(&self) -> Contention {
        self.contention.snapshot()
    }

    fn backup(&self, _path: &Path) -> Result<BackupReport> {
        Err(Error::NotOffered {
            what: "backups; use pg_dump, whose copy of the schema is consistent",
        })
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        // Those of the session whose commits are as durable as the queue was opened for.
        let rows = self
            .client
            .transaction(Role::Durable, |transaction| transaction.query(SETTINGS, &[]))?;
        rows.iter().map(|row| Ok((row.column(0)?, row.column(1)?))).collect()
    }
}

impl Reader for PostgresEngine {
    fn task(&self, id: TaskId) -> Result<Option<TaskInfo>> {
        self.reading().task(id)
    }

    fn ending(&self, id: TaskId) -> Result<Option<Ending>> {
        self.reading().ending(id)
    }

    fn checkpoint(&self, id: TaskId) -> Result<Option<Vec<u8>>> {
        self.reading().checkpoint(id)
    }

    fn payloads(&self, ids: &[TaskId], bytes_max: usize) -> Result<Vec<Result<Payload>>> {
        self.reading().payloads(ids, bytes_max)
    }

    fn limits(&self) -> Result<Vec<LimitInfo>> {
        self.reading().limits()
    }

    fn retry_policies(&self) -> Result<Vec<RetryInfo>> {
        self.reading().retry_policies()
    }

    fn stats(&self, queue: &str) -> Result<QueueStats> {
        self.reading().stats(queue)
    }

    fn find(&self, search: &Search, after: Option<Position>) -> Result<Found> {
        self.reading().find(search, after)
    }

    fn last_id(&self) -> Result<TaskId> {
        self.reading().last_id()
    }

    fn queues(&self) -> Result<Vec<QueueInfo>> {
        self.reading().queues()
    }

    fn types(&self) -> Result<Vec<TypeInfo>> {
        self.reading().types()
    }

    fn cancel_requests(&self) -> Result<Vec<(TaskId, i64)>> {
        let rows = self.reading().rows(REQUESTED, &[])?;
        rows.iter().map(|row| Ok((TaskId::from_i64(row.column(0)?), row.column(1)?))).collect()
    }

    fn schedules(&self, name: Option<&str>) -> Result<Vec<ScheduleInfo>> {
        self.reading().schedules(name)
    }
}
