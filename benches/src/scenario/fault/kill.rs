//! A process that enqueues and completes is killed at random moments. What it had acknowledged by then is compared
//! with the file.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::{Connection, OpenFlags};

use crate::base::error::{Error, Result};
use crate::observe::metrics::{ACKNOWLEDGED, KILLED, LOST, UNDONE};
use crate::observe::round::Round;
use crate::process::{AcknowledgeRole, Report, kill_acknowledging};
use crate::scenario::stage::Stage;

/// How often a process is killed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// Processes killed one after the other on the same file.
    pub kills: u32,
    /// How long each lives after its first acknowledgement, at least and at most.
    pub life: (Duration, Duration),
    /// The seed of the moments.
    pub seed: u64,
}

/// Kills processes on a new database; with how long it took.
///
/// # Errors
/// If a process did not do its part, or the file cannot be read.
pub fn round(stage: &Stage, load: &Kill) -> Result<(Duration, Round)> {
    let directory = stage.bench_dir().fresh()?;
    let path = directory.path().join("queue.db");
    let mut moments = Xoshiro256PlusPlus::seed_from_u64(load.seed);
    let mut acknowledged = Acknowledged::default();
    let mut broken = Broken::default();
    let started = Instant::now();
    for _ in 0..load.kills {
        let order = AcknowledgeRole { subject: stage.kind(), path: path.clone() };
        let (least, most) = load.life;
        let after = least + most.saturating_sub(least).mul_f64(moments.random());
        acknowledged.add(&kill_acknowledging(order, after)?);
        broken = broken.and(acknowledged.check(&held(&path)?));
    }
    let took = started.elapsed();
    let readings = vec![
        KILLED.counts(load.kills.into()),
        ACKNOWLEDGED.counts(acknowledged.count()),
        LOST.counts(size(broken.lost.len())),
        UNDONE.counts(size(broken.undone.len())),
    ];
    Ok((took, Round { readings, faults: broken.faults(), ..Round::default() }))
}

/// The tasks that the file holds: read by SQLite alone, as no subject has it open.
fn held(path: &Path) -> Result<HashSet<i64>> {
    let read = || -> rusqlite::Result<HashSet<i64>> {
        // Not only for reading: the first to open a file after a kill recovers its WAL.
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut ids = connection.prepare("SELECT id FROM prismq_task")?;
        ids.query_map([], |row| row.get(0))?.collect()
    };
    read().map_err(Error::subject("read the file after a kill"))
}

/// What processes have reported so far.
#[derive(Debug, Clone, Default)]
pub struct Acknowledged {
    enqueued: HashSet<i64>,
    ended: HashSet<i64>,
    completed: HashSet<i64>,
}

/// Promises that the file does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Broken {
    /// Tasks whose enqueue was acknowledged, whose handler has not ended, and which are not there.
    pub lost: HashSet<i64>,
    /// Tasks whose completion was acknowledged and which are there.
    pub undone: HashSet<i64>,
}

impl Acknowledged {
    /// Adds what a process has reported.
    pub fn add(&mut self, said: &[Report]) {
        for said in said {
            match said {
                Report::Enqueued(id) => self.enqueued.insert(*id),
                Report::Ended(id) => self.ended.insert(*id),
                Report::Completed(id) => self.completed.insert(*id),
            };
        }
    }

    /// Compares them with the tasks that the file holds. A task whose handler had ended may be there or not:
    /// its completion may have been committed without anybody having been able to say so.
    #[must_use]
    pub fn check(&self, held: &HashSet<i64>) -> Broken {
        let gone = |id: &&i64| !held.contains(id) && !self.ended.contains(id);
        Broken {
            lost: self.enqueued.iter().filter(gone).copied().collect(),
            undone: self.completed.intersection(held).copied().collect(),
        }
    }

    /// Enqueues and completions that were acknowledged.
    #[must_use]
    pub fn count(&self) -> u64 {
        size(self.enqueued.len() + self.completed.len())
    }
}

impl Broken {
    fn and(mut self, more: Self) -> Self {
        self.lost.extend(more.lost);
        self.undone.extend(more.undone);
        self
    }

    fn faults(&self) -> Vec<String> {
        let fault = |ids: &HashSet<i64>, what: &str| {
            (!ids.is_empty()).then(|| format!("{} {what}", ids.len()))
        };
        fault(&self.lost, "tasks whose enqueue was acknowledged are gone after a kill")
            .into_iter()
            .chain(fault(
                &self.undone,
                "tasks whose completion was acknowledged are back after a kill",
            ))
            .collect()
    }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
