//! Settings of queues, cached from earlier transactions of this process. A batch that needs nothing else is sent in one
//! round trip with its commit. A statement goes with it that fails, which rolls the transaction back, if any setting has
//! changed. A claim that is one statement compares them itself.

use std::collections::{BTreeMap, HashMap};

use super::lanes::{Lane, Source};
use super::lease_note::LeaseNote;
use super::queues::Settings;
use super::run::Run;
use super::shared::Shared;
use crate::engine::Operation;
use crate::model::NewTask;

/// Returns the number of the transaction, or fails if settings have changed since they were read, or if a pooler has given
/// the transaction the session of another connection; only the server's log shows the message. It locks `prismq.meta` in
/// ACCESS SHARE mode until the commit, so that `set_order`, the freeing of names and a migration wait for it. It reads one
/// row: comparing the settings themselves took the server as long as inserting three tasks.
pub(super) const UNCHANGED: &str = "SELECT CASE
         WHEN EXISTS (SELECT FROM prismq.meta
                 WHERE number = $1 AND settings = $2 AND epoch >= $4 AND last_lane >= $5)
             AND current_setting('prismq_session.name', true) = 'durable ' || $4::bigint::text
             AND (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint = $3
         THEN pg_current_xact_id()::text
         ELSE ('prismq: settings have changed since they were read; read again at ' || clock_timestamp())::integer::text
     END";
/// The SQLSTATE with which it fails, for text that is not a number. No other statement of such a transaction fails with it.
pub(crate) const CHANGED: &str = "22P02";
/// Gives the settings a new version. It is a time, so that a version that a restore has undone does not come again.
macro_rules! next_version {
    () => {
        "settings = greatest(settings + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
    };
}
pub(crate) use next_version;
/// Lets [`UNCHANGED`], and what claims compare, fail everywhere once this transaction is committed.
pub(crate) const RAISE: &str = concat!("UPDATE prismq.meta SET ", next_version!());

/// Most tasks, and payload bytes in all, that a transaction adds by cached settings.
const TASKS_MAX: usize = 4096;
const BYTES_MAX: usize = 256 << 10;

/// When and where settings were read: they are unchanged as long as these values are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReadAt {
    /// Of the session that read them: another may be on a server that was restored to an earlier state.
    pub(crate) epoch: i64,
    pub(crate) source: Source,
    /// `meta.settings`.
    pub(crate) version: i64,
    pub(crate) names_freed: i32,
}

/// Settings, as the last transactions of a session have read them.
#[derive(Debug, Default)]
pub(crate) struct Cached {
    read_at: ReadAt,
    queues: HashMap<i32, Settings>,
}

/// What one transaction needs of them.
#[derive(Debug)]
pub(crate) struct Assumed {
    pub(super) source: Source,
    pub(super) version: i64,
    pub(super) queues: Vec<Settings>,
    /// The lane of each task that it adds.
    pub(super) lanes: Vec<Lane>,
}

impl Cached {
    /// Nothing of it may hold any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Adds what a transaction has read from there.
    pub(crate) fn add(&mut self, run: &Run<'_, '_>, source: Source) {
        // What it changes has no version yet.
        if run.changes_settings {
            return self.forget();
        }
        let read_at = ReadAt {
            epoch: run.epoch(),
            source,
            version: run.settings_version,
            names_freed: run.names_freed,
        };
        if self.read_at != read_at {
            *self = Self { read_at, queues: HashMap::new() };
        }
        self.queues.extend(run.settings().map(|settings| (settings.id, *settings)));
    }

    /// Those of a queue.
    pub(crate) fn of_queue(&self, id: i32) -> Option<(Settings, ReadAt)> {
        Some((*self.queues.get(&id)?, self.read_at))
    }
}

impl Assumed {
    /// What a transaction of this session needs for these operations; `None` if they need more than is cached.
    pub(crate) fn of(shared: &Shared, batch: &[Operation], epoch: i64) -> Option<Self> {
        if !fits(batch) {
            return None;
        }
        let known = shared.lanes();
        let cached = shared.cached();
        let ReadAt { source, version, names_freed, .. } = cached.read_at;
        if (cached.read_at.epoch, names_freed, source) != (epoch, known.freed(), known.source()) {
            return None;
        }
        let (mut queues, mut lanes) = (BTreeMap::new(), Vec::new());
        let mut settings = |id: i32| {
            let settings = *cached.queues.get(&id)?;
            queues.insert(id, settings);
            Some(settings)
        };
        for operation in batch {
            match operation {
                Operation::Enqueue(tasks) => {
                    for task in tasks {
                        let lane = known.of(task)?;
                        let queue = settings(lane.queue)?;
                        let is_known = queue.depth.is_none() && queue.key_by_id(0).is_some();
                        (is_known && is_plain(task)).then(|| lanes.push(lane))?;
                    }
                }
                Operation::Complete { key, .. } => {
                    let queue = settings(LeaseNote::from(key.note).queue)?;
                    let is_plain = !key.limited && queue.keep == 0 && queue.concurrency.is_none();
                    is_plain.then_some(())?;
                }
                _ => return None,
            }
        }
        let queues = queues.into_values().collect();
        Some(Self { source, version, queues, lanes })
    }
}

/// Whether a task can run as soon as it is stored, independently of all others.
fn is_plain(task: &NewTask) -> bool {
    task.is_due_at_once()
        && task.unique.is_none()
        && task.expires_after.is_none()
        && task.limit.name.is_none()
        && task.limit.key.is_none()
}

/// Whether the tasks that are added are few enough for one statement, whose values are copied.
fn fits(batch: &[Operation]) -> bool {
    let tasks = || {
        batch.iter().flat_map(|operation| match operation {
            Operation::Enqueue(tasks) => tasks.as_slice(),
            _ => &[],
        })
    };
    let bytes: usize = tasks().map(|task| task.payload.len()).sum();
    tasks().count() <= TASKS_MAX && bytes <= BYTES_MAX
}
