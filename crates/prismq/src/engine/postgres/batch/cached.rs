//! What transactions of this process have read of settings. One that needs nothing else does not read it again, and so
//! waits for the server once: with its statements goes one that fails, and the transaction with it, if any of it has
//! changed meanwhile.

use std::collections::HashMap;

use super::lease_note::LeaseNote;
use super::queues::Settings;
use super::run::Run;
use super::shared::Shared;
use super::wanted::Wanted;
use crate::engine::Operation;
use crate::model::NewTask;

/// Fails if settings have changed since they were read: its message is seen in the server's log alone. It returns the
/// time of the database. As it reads lanes and queues, it holds off those who wait until nobody uses them.
pub(super) const UNCHANGED: &str = "SELECT CASE
         WHEN EXISTS (SELECT FROM prismq.meta WHERE number = $1 AND names_freed = $2)
             AND EXISTS (SELECT FROM prismq.lane)
             AND NOT EXISTS (SELECT FROM prismq.type_retention)
             AND NOT EXISTS (SELECT FROM prismq.migration WHERE NOT complete)
             AND cardinality($3) = (SELECT count(*) FROM unnest($3::integer[], $4::bigint[]) k (id, version)
                 JOIN prismq.queue q ON q.id = k.id AND q.xmin::text::bigint = k.version)
         THEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
         ELSE ('prismq: settings have changed since they were read; read again at ' || clock_timestamp())::bigint
     END";

/// Most tasks, and payload bytes in all, that a transaction adds by cached settings.
const TASKS_MAX: usize = 4096;
const BYTES_MAX: usize = 256 << 10;

/// Settings, as the last transactions have read them.
#[derive(Debug, Default)]
pub(crate) struct Cached {
    /// Of the session that read them: another may be on a server that was restored to an earlier state.
    epoch: i64,
    number: i64,
    names_freed: i32,
    queues: HashMap<i32, Settings>,
}

/// Those that one transaction needs.
#[derive(Debug)]
pub(crate) struct Assumed {
    pub(super) number: i64,
    pub(super) names_freed: i32,
    pub(super) queues: Vec<Settings>,
}

impl Cached {
    /// Nothing of it may hold any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Adds what a transaction has read.
    pub(crate) fn add(&mut self, run: &Run<'_, '_>) {
        // Completions then depend on the types of tasks.
        if run.has_type_retention {
            return self.forget();
        }
        let (epoch, number, names_freed) = (run.epoch(), run.number, run.names_freed);
        if (self.epoch, self.number, self.names_freed) != (epoch, number, names_freed) {
            *self = Self { epoch, number, names_freed, queues: HashMap::new() };
        }
        self.queues.extend(run.settings().map(|settings| (settings.id, *settings)));
    }
}

impl Assumed {
    /// What a transaction of this session needs for these operations; `None` if they need more than is cached.
    pub(crate) fn of(shared: &Shared, batch: &[Operation], epoch: i64) -> Option<Self> {
        let wanted = Wanted::of(shared, batch);
        let lanes_freed = shared.lanes().freed();
        let cached = shared.cached();
        if (cached.epoch, cached.names_freed) != (epoch, lanes_freed) {
            return None;
        }
        let queues = wanted.queues.iter().map(|id| cached.queues.get(id).copied());
        let queues: Vec<Settings> = queues.collect::<Option<_>>()?;
        let assumed = Self { number: cached.number, names_freed: cached.names_freed, queues };
        drop(cached);
        (assumed.suffices(shared, batch) && fits(batch)).then_some(assumed)
    }

    /// Whether each operation depends on nothing else.
    fn suffices(&self, shared: &Shared, batch: &[Operation]) -> bool {
        let queue = |id: i32| self.queues.iter().find(|queue| queue.id == id);
        batch.iter().all(|operation| match operation {
            Operation::Enqueue(tasks) => tasks.iter().all(|task| {
                let lane = shared.lanes().of(task);
                let settings = lane.and_then(|lane| queue(lane.queue));
                is_plain(task)
                    && settings.is_some_and(|settings| {
                        settings.depth.is_none() && settings.key_by_id(task.priority).is_some()
                    })
            }),
            Operation::Complete { key, .. } => {
                let settings = queue(LeaseNote::from(key.note).queue);
                !key.limited
                    && settings.is_some_and(|settings| {
                        settings.keep == 0 && settings.concurrency.is_none()
                    })
            }
            _ => false,
        })
    }
}

/// Whether a task can run as soon as it is stored, whatever else is.
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
