//! An open load while a reader keeps a snapshot taken before it: do tasks take as long at its end as at its beginning,
//! and claims as long as in a new database?

use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::load::tasks::{ENQUEUE_BATCH, fill, numbered};
use crate::observe::metrics::median;
use crate::scenario::fault::snapshot::Snapshot;
use crate::scenario::open::{self, OpenLoop, OpenRound};
use crate::scenario::stage::Stage;
use crate::subject::{Census, DEFAULT_QUEUE, Subject};

/// Longer than any round.
const LEASE: Duration = Duration::from_secs(60 * 60);

/// The load, and how many claims are timed after it.
#[derive(Debug, Clone)]
pub struct LongReader {
    /// The load.
    pub load: OpenLoop,
    /// Claims of one task, with the snapshot still kept.
    pub claims: usize,
}

/// What was measured under the snapshot.
#[derive(Debug, Clone)]
pub struct LongReaderRound {
    /// The load.
    pub offered: OpenRound,
    /// The median time of a claim after it, in seconds.
    pub claim: f64,
    /// The same in a new database.
    pub claim_in_new: f64,
}

/// Offers a load under a snapshot, then claims.
///
/// # Errors
/// If the subject fails, or its database cannot be read.
pub fn long_reader(stage: &Stage, load: &LongReader) -> Result<LongReaderRound> {
    let open = || stage.database(load.load.workers + load.load.generators);
    let claim_in_new = claim(open()?.subject(), load.claims)?;
    let database = open()?;
    let snapshot = Snapshot::of(&database)?;
    let mut offered = open::run(database.subject(), &load.load)?;
    let claim = claim(database.subject(), load.claims)?;
    drop(snapshot);
    let held = u64::try_from(load.claims).unwrap_or(u64::MAX);
    let expected = Census { leased: held, ..Census::default() };
    offered.faults.extend(database.recount(&[DEFAULT_QUEUE], expected)?);
    Ok(LongReaderRound { offered, claim, claim_in_new })
}

/// The median time of so many claims of one task each, of the type that the load has.
fn claim(subject: &dyn Subject, claims: usize) -> Result<f64> {
    fill(subject, &numbered(open::TASK_TYPE, claims), ENQUEUE_BATCH)?;
    let mut times = Vec::with_capacity(claims);
    for _ in 0..claims {
        let started = Instant::now();
        let claimed = subject.hold(open::TASK_TYPE, 1, LEASE)?;
        times.push(started.elapsed().as_secs_f64());
        if claimed.is_empty() {
            let reason = "a claim found no task in a queue with a backlog".to_owned();
            return Err(Error::Unfit { reason });
        }
    }
    Ok(median(&times).unwrap_or_default())
}
