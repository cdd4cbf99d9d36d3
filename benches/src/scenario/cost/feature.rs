//! What one operation costs with a feature and without: both in turns, by one caller, on a database each.
//!
//! Only prismq has these features, so that it is measured through its own interface and not through
//! [`crate::subject::Subject`].

use std::ops::Range;
use std::time::{Duration, Instant};

use prismq::sqlite::complete_in;
use prismq::{Claim, Lease, NewTask, Queue, QueueStats, Unique};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::base::error::{Error, Result};
use crate::load::tasks::PAYLOAD_BYTES;
use crate::reference::Turns;
use crate::scenario::stage::Stage;
use crate::subject::{DEFAULT_QUEUE, payload};

const TASK_TYPE: &str = "feature";
/// Operations in a turn: short, so that both sides meet the same state of the disk.
const TURN: usize = 50;
/// Longer than any round.
const LEASE: Duration = Duration::from_secs(3600);
const CREATE: &str = "CREATE TABLE application (number INTEGER)";
const INSERT: &str = "INSERT INTO application VALUES (?1)";
const INSERT_TASK: &str = "INSERT INTO prismq_inbox (type, payload) VALUES (?1, ?2)";

/// What is used, or left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// A task is enqueued that is unique by its payload, or any task.
    Unique,
    /// A task is inserted into the inbox, or enqueued, and then claimed.
    Inbox,
    /// A task is completed in a transaction in which the application inserts a row, or completed alone.
    CompleteIn,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unique, Self::Inbox, Self::CompleteIn];

    /// Its name in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Inbox => "inbox",
            Self::CompleteIn => "complete_in",
        }
    }
}

/// How long the same number of operations took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sides {
    /// With the feature.
    pub with: Duration,
    /// Without it.
    pub plain: Duration,
}

/// Does so many operations with the feature and without; `order` says which side goes first in each turn.
///
/// # Errors
/// If the queue fails, or does not hold afterwards what it should.
pub fn side_by_side(
    stage: &Stage,
    feature: Feature,
    operations: usize,
    order: &mut Turns,
) -> Result<Sides> {
    let with = Side::open(stage, feature, true, operations)?;
    let plain = Side::open(stage, feature, false, operations)?;
    let mut sides = Sides::default();
    for first in (0..operations).step_by(TURN) {
        let turn = first..operations.min(first + TURN);
        let (of_with, of_plain) =
            order.both(|| with.turn(turn.clone()), || plain.turn(turn.clone()))?;
        sides.with += of_with;
        sides.plain += of_plain;
    }
    with.check(operations)?;
    plain.check(operations)?;
    Ok(sides)
}

/// A database on which the operation is done, with the feature or without.
struct Side {
    feature: Feature,
    used: bool,
    queue: Queue,
    application: Connection,
    claim: Claim,
    leases: Vec<Lease>,
    _directory: TempDir,
}

impl Side {
    fn open(stage: &Stage, feature: Feature, used: bool, operations: usize) -> Result<Self> {
        let directory = stage.bench_dir().fresh()?;
        let path = directory.path().join("queue.db");
        let queue = Queue::open(&path).map_err(Error::subject("open a database"))?;
        let claim = Claim::new([TASK_TYPE]).lease(LEASE);
        let application =
            Connection::open(&path).map_err(Error::subject("open the application's connection"))?;
        let mut leases = Vec::new();
        if feature == Feature::CompleteIn {
            application.execute_batch(CREATE).map_err(Error::subject("create a table"))?;
            let tasks: Vec<NewTask> = (0..operations).map(task).collect();
            queue.enqueue_all(&tasks).map_err(Error::subject("enqueue"))?;
            while leases.len() < operations {
                let left = claim.clone().max(operations - leases.len());
                let claimed = queue.claim(&left).map_err(Error::subject("claim"))?;
                if claimed.is_empty() {
                    return Err(Error::Unfit { reason: "a claim found no task".to_owned() });
                }
                leases.extend(claimed);
            }
        }
        Ok(Self { feature, used, queue, application, claim, leases, _directory: directory })
    }

    fn turn(&self, numbers: Range<usize>) -> Result<Duration> {
        let started = Instant::now();
        for number in numbers {
            self.operate(number).map_err(Error::subject(self.feature.name()))?;
        }
        Ok(started.elapsed())
    }

    fn operate(&self, number: usize) -> prismq::Result<()> {
        match (self.feature, self.used) {
            (Feature::Unique, true) => {
                self.queue.enqueue(&task(number).unique(Unique::payload())).map(drop)
            }
            (Feature::Unique, false) => self.queue.enqueue(&task(number)).map(drop),
            (Feature::Inbox, used) => {
                if used {
                    let mut insert = self.application.prepare_cached(INSERT_TASK)?;
                    insert.execute((TASK_TYPE, bytes(number)))?;
                } else {
                    self.queue.enqueue(&task(number))?;
                }
                self.queue.claim(&self.claim).map(drop)
            }
            (Feature::CompleteIn, used) => match self.leases.get(number) {
                Some(lease) if used => self.queue.transaction(|tx| {
                    tx.prepare_cached(INSERT)?.execute([number as i64])?;
                    complete_in(&self.queue, tx, lease)
                }),
                Some(lease) => self.queue.complete(lease),
                None => Ok(()),
            },
        }
    }

    /// Whether every operation did what it is measured for.
    fn check(&self, operations: usize) -> Result<()> {
        let stats = self.queue.stats(DEFAULT_QUEUE).map_err(Error::subject("count tasks"))?;
        let QueueStats { ready, leased, completed, .. } = stats;
        let done = match self.feature {
            Feature::Unique => ready,
            Feature::Inbox => leased,
            Feature::CompleteIn => completed,
        };
        let rows = match (self.feature, self.used) {
            (Feature::CompleteIn, true) => {
                let count = "SELECT count(*) FROM application";
                let rows = self.application.query_row(count, [], |row| row.get::<_, u64>(0));
                rows.map_err(Error::subject("count rows"))?
            }
            _ => done,
        };
        if (done, rows) == (operations as u64, operations as u64) {
            return Ok(());
        }
        let (name, used) = (self.feature.name(), self.used);
        Err(Error::Unfit {
            reason: format!(
                "of {operations} operations, {done} took effect ({rows} rows; {name}: {used})"
            ),
        })
    }
}

fn task(number: usize) -> NewTask {
    NewTask::new(TASK_TYPE, bytes(number))
}

fn bytes(number: usize) -> Vec<u8> {
    payload(number as u64, PAYLOAD_BYTES)
}
