//! What rate can be sustained here and now: the measure of every load that is a share of it. Sought
//! by whoever asks first; the saturation scenario looks for it anew in each of its rounds, which gives it an
//! interval.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::drain::pipeline::{Pipeline, pipeline};
use prismq_bench::scenario::open::OpenLoop;
use prismq_bench::scenario::open::saturation::{PRECISION, back_off, settle_on, try_rate};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Work;

pub(crate) const CALLERS: usize = 10;
pub(crate) const WORKERS: usize = 10;

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
    /// The rate that loads are shares of. It is found once, before any load is offered, so that a load is the
    /// same in all rounds.
    sustainable: Option<f64>,
    /// What the next round of the saturation scenario begins with.
    next: Option<f64>,
}

impl Capacity {
    /// The rates that loads are shares of, searched for by who asks first: by short tries, after which the rate
    /// that was found is held for longer and lowered until it holds; see [`settle_on`].
    pub(crate) fn rates(&self, stage: &Stage) -> Result<Rates> {
        let closed = self.closed(stage)?;
        let known = self.known.borrow().sustainable;
        let sustainable = match known {
            Some(sustainable) => sustainable,
            None => {
                let for_so_long = |time| move |rate| try_rate(stage, &load(), rate, time);
                let (tried, held) = (for_so_long(tried_for(stage)), for_so_long(held_for(stage)));
                *self.known.borrow_mut().sustainable.insert(settle_on(closed, tried, held)?)
            }
        };
        Ok(Rates { closed, sustainable })
    }

    /// The rate that loads are shares of, if it was sought.
    pub(crate) fn known(&self) -> Option<f64> {
        self.known.borrow().sustainable
    }

    /// The highest rate that holds now, found anew: from the last one, a step up if that held at once, down
    /// until one holds if not. 0 where none does, as where others have the machine to themselves for so long.
    pub(crate) fn hold(&self, stage: &Stage) -> Result<f64> {
        let sustainable = self.rates(stage)?.sustainable;
        let first = self.known.borrow().next.unwrap_or(sustainable);
        let held = back_off(first, |rate| try_rate(stage, &load(), rate, round_for(stage)))?;
        self.known.borrow_mut().next = held.map(|held| {
            let step = if held < first { 1.0 } else { 1.0 + PRECISION };
            held * step
        });
        Ok(held.unwrap_or(0.0))
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
            work: Work::None,
        };
        let closed = pipeline(stage, &load)?.tasks_per_s();
        Ok(*self.known.borrow_mut().closed.insert(closed))
    }
}

/// How long each rate is tried in the search.
pub(crate) fn tried_for(stage: &Stage) -> Duration {
    Duration::from_millis(stage.scale().pick(5, 20, 500, 2_000))
}

/// How long the rate that was found must hold.
pub(crate) fn held_for(stage: &Stage) -> Duration {
    Duration::from_millis(stage.scale().pick(5, 100, 5_000, 10_000))
}

/// How long a rate must hold in a round of the saturation scenario.
pub(crate) fn round_for(stage: &Stage) -> Duration {
    Duration::from_millis(stage.scale().pick(5, 20, 1_000, 5_000))
}

/// The load whose rate is sought.
pub(crate) fn load() -> OpenLoop {
    OpenLoop {
        workers: WORKERS,
        generators: CALLERS,
        tasks: 0,
        warm_up: 0,
        settle: 0,
        interval: Duration::ZERO,
        arrivals: ArrivalProcess::Constant,
        work: Work::None,
    }
}
