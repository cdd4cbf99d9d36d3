//! What rate can be sustained here and now: the measure of every load that is a share of it. Sought
//! by whoever asks first, and again in each round of the saturation scenario; the median counts.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::error::{Error, Result};
use prismq_bench::metrics::median;
use prismq_bench::stage::Stage;
use prismq_bench::workload::arrivals::Arrivals;
use prismq_bench::workload::open_loop::OpenLoop;
use prismq_bench::workload::pipeline::{Pipeline, pipeline};
use prismq_bench::workload::saturation::saturate;

pub(crate) const CALLERS: usize = 10;
pub(crate) const WORKERS: usize = 10;
/// Searches whose median is trusted: a single one may meet a stall of the disk and end at half.
const SEARCHES: usize = 3;

/// Rates in tasks a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// What callers reach that wait for each answer.
    pub(crate) closed: f64,
    /// What can arrive on a schedule without the backlog growing.
    pub(crate) sustainable: f64,
}

/// What is known of it so far.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    closed: Option<f64>,
    /// One for each search.
    found: Vec<f64>,
}

impl Capacity {
    /// The rates, searched for as long as too few searches were made.
    pub(crate) fn rates(&mut self, stage: &Stage) -> Result<Rates> {
        while self.found.len() < SEARCHES {
            match self.search(stage) {
                // One that finds nothing does no harm beside others that did.
                Err(Error::Unfit { .. }) if !self.found.is_empty() => break,
                found => found?,
            };
        }
        let closed = self.closed(stage)?;
        let sustainable = median(&self.found).unwrap_or(closed);
        Ok(Rates { closed, sustainable })
    }

    /// Searches once more, from what was found before.
    pub(crate) fn search(&mut self, stage: &Stage) -> Result<f64> {
        let guess = match median(&self.found) {
            Some(found) => found,
            None => self.closed(stage)?,
        };
        let found = saturate(stage, &load(), guess, tried_for(stage))?.ok_or_else(|| {
            Error::Unfit { reason: format!("not even a part of {guess:.0} tasks/s is sustained") }
        })?;
        self.found.push(found);
        Ok(found)
    }

    /// What callers reach that wait for each answer, measured once.
    pub(crate) fn closed(&mut self, stage: &Stage) -> Result<f64> {
        if let Some(closed) = self.closed {
            return Ok(closed);
        }
        let load = Pipeline {
            producers: CALLERS,
            workers: WORKERS,
            tasks: stage.scale().pick(20, 1_000, 8_000, 40_000),
            batch: 1,
            work: Arc::new(|_| {}),
        };
        Ok(*self.closed.insert(pipeline(stage, &load)?.tasks_per_s()))
    }
}

/// How long each rate is tried.
pub(crate) fn tried_for(stage: &Stage) -> Duration {
    Duration::from_millis(stage.scale().pick(5, 20, 200, 2_000))
}

/// The load whose rate is sought.
pub(crate) fn load() -> OpenLoop {
    OpenLoop {
        workers: WORKERS,
        generators: CALLERS,
        tasks: 0,
        warm_up: 0,
        interval: Duration::ZERO,
        arrivals: Arrivals::Constant,
        work: Arc::new(|_| {}),
    }
}
