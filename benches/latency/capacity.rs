//! What rate can be sustained here and now: the measure of every load that is a share of it. Sought
//! by whoever asks first; the saturation scenario seeks anew in each of its rounds, for its own figures.

use std::cell::RefCell;
use std::rc::Rc;
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

/// What is known of it so far, shared by all scenarios whose load is a share of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Capacity {
    known: Rc<RefCell<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    closed: Option<f64>,
    /// What was found last: where the next search begins.
    last: Option<f64>,
    /// The rate that loads are shares of. It is found once, before any load is offered, so that a load is the
    /// same in all rounds.
    sustainable: Option<f64>,
}

impl Capacity {
    /// The rates that loads are shares of, searched for by who asks first.
    pub(crate) fn rates(&self, stage: &Stage) -> Result<Rates> {
        let known = self.known.borrow().sustainable;
        let sustainable = match known {
            Some(sustainable) => sustainable,
            None => {
                let found = self.searched(stage)?;
                *self.known.borrow_mut().sustainable.insert(found)
            }
        };
        Ok(Rates { closed: self.closed(stage)?, sustainable })
    }

    /// The median of several searches.
    fn searched(&self, stage: &Stage) -> Result<f64> {
        let mut found = Vec::new();
        while found.len() < SEARCHES {
            match self.search(stage) {
                // One that finds nothing does no harm beside others that did.
                Err(Error::Unfit { .. }) if !found.is_empty() => break,
                rate => found.push(rate?),
            }
        }
        Ok(median(&found).unwrap_or_default())
    }

    /// Searches once more, from what was found before.
    pub(crate) fn search(&self, stage: &Stage) -> Result<f64> {
        let last = self.known.borrow().last;
        let guess = match last {
            Some(found) => found,
            None => self.closed(stage)?,
        };
        let found = saturate(stage, &load(), guess, tried_for(stage))?.ok_or_else(|| {
            Error::Unfit { reason: format!("not even a part of {guess:.0} tasks/s is sustained") }
        })?;
        self.known.borrow_mut().last = Some(found);
        Ok(found)
    }

    /// What callers reach that wait for each answer, measured once.
    pub(crate) fn closed(&self, stage: &Stage) -> Result<f64> {
        let known = self.known.borrow().closed;
        if let Some(closed) = known {
            return Ok(closed);
        }
        let load = Pipeline {
            producers: CALLERS,
            workers: WORKERS,
            tasks: stage.scale().pick(20, 1_000, 8_000, 40_000),
            batch: 1,
            work: Arc::new(|_| {}),
        };
        let closed = pipeline(stage, &load)?.tasks_per_s();
        Ok(*self.known.borrow_mut().closed.insert(closed))
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
