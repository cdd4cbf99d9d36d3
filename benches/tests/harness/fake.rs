//! An engine whose truth is known: one server that takes tasks in order, by a clock that is set to the
//! time of each. Its misdeeds are those a harness must find.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prismq_bench::base::clock::Clock as _;
use prismq_bench::subject::{
    Attempt, Census, Counters, Crew, CrewReport, Ending, Engine, EngineError, Handler, Listener,
    RunningCrew, Settled, TaskSpec,
};

use super::virtual_clock::VirtualClock;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misdeed {
    /// Nothing.
    None,
    /// The answer to this task is late by so much.
    Stalls { at: i64, by: Duration },
    /// Every so-manyth task is forgotten.
    Loses { every: i64 },
    /// Every so-manyth task is done twice.
    Duplicates { every: i64 },
}

/// The engine. Its database is this memory.
pub(crate) struct Fake {
    clock: Arc<VirtualClock>,
    misdeed: Misdeed,
    state: Arc<Mutex<State>>,
}

struct State {
    enqueued: i64,
    /// Until when the server is at work.
    busy_until: Instant,
    /// What has come before there was a pool.
    waiting: Vec<(i64, Vec<u8>)>,
    crew: Option<(Handler, Listener)>,
    handled: u64,
}

impl Fake {
    pub(crate) fn new(clock: &Arc<VirtualClock>, misdeed: Misdeed) -> Self {
        let state = State {
            enqueued: 0,
            busy_until: clock.now(),
            waiting: Vec::new(),
            crew: None,
            handled: 0,
        };
        Self { clock: clock.clone(), misdeed, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a task after those before it, and comes back to now.
    fn serve(&self, state: &mut State, id: i64, payload: &[u8]) {
        let Some((handler, listener)) = state.crew.clone() else {
            state.waiting.push((id, payload.to_vec()));
            return;
        };
        let times = match self.misdeed {
            Misdeed::Loses { every } if id % every == 0 => 0,
            Misdeed::Duplicates { every } if id % every == 0 => 2,
            _ => 1,
        };
        let now = self.clock.now();
        for _ in 0..times {
            self.clock.set(state.busy_until.max(now));
            let _ = handler(&Attempt { id, payload, number: 1 });
            state.busy_until = self.clock.now();
            state.handled += 1;
            listener(&Settled { id, attempt: 1, ending: Ending::Completed });
        }
        self.clock.set(now);
    }
}

impl Engine for Fake {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, EngineError> {
        let mut state = self.state();
        state.enqueued += 1;
        let id = state.enqueued;
        if let Misdeed::Stalls { at, by } = self.misdeed
            && id == at
        {
            self.clock.advance(by);
        }
        self.serve(&mut state, id, &task.payload);
        Ok(id)
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, EngineError> {
        tasks.iter().map(|task| self.enqueue(task)).collect()
    }

    fn hold(&self, _: &'static str, _: usize, _: Duration) -> Result<Vec<i64>, EngineError> {
        Ok(Vec::new())
    }

    fn start(&self, crew: Crew) -> Result<Box<dyn RunningCrew>, EngineError> {
        let mut state = self.state();
        state.busy_until = self.clock.now();
        state.crew = crew.handlers.first().map(|(_, handler)| (handler.clone(), crew.listener));
        for (id, payload) in std::mem::take(&mut state.waiting) {
            self.serve(&mut state, id, &payload);
        }
        Ok(Box::new(FakeCrew { state: self.state.clone() }))
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }

    fn census(&self) -> Result<Census, EngineError> {
        let ready = u64::try_from(self.state().waiting.len()).unwrap_or(u64::MAX);
        Ok(Census { ready, ..Census::default() })
    }

    fn settings(&self) -> Result<Vec<(String, String)>, EngineError> {
        Ok(Vec::new())
    }
}

struct FakeCrew {
    state: Arc<Mutex<State>>,
}

impl RunningCrew for FakeCrew {
    fn stop(self: Box<Self>, _: Duration) -> CrewReport {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.crew = None;
        CrewReport { per_worker: vec![state.handled], errors: Vec::new() }
    }
}
