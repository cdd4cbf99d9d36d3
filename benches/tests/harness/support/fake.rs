//! A queue whose truth is known: one server that takes tasks in order, by a clock that is set to the
//! time of each. Its misdeeds are those a harness must find.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prismq_bench::base::clock::{Clock as _, Time};
use prismq_bench::subject::local::{
    Attempt, HandlerFn, InProcess, Listener, LocalError, LocalPool, LocalQueue,
};
use prismq_bench::subject::{Census, Counters, Ending, PoolReport, RunningPool, Settled, TaskSpec};

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

/// The queue. Its database is this memory.
pub(crate) struct Fake {
    clock: Arc<VirtualClock>,
    misdeed: Misdeed,
    state: Arc<Mutex<State>>,
}

struct State {
    enqueued: i64,
    /// Until when the server is at work.
    busy_until: Time,
    /// What has come before there was a pool.
    waiting: Vec<(i64, Vec<u8>)>,
    pool: Option<(HandlerFn, Listener)>,
    handled: u64,
}

impl Fake {
    pub(crate) fn new(clock: &Arc<VirtualClock>, misdeed: Misdeed) -> Self {
        let state = State {
            enqueued: 0,
            busy_until: clock.now(),
            waiting: Vec::new(),
            pool: None,
            handled: 0,
        };
        Self { clock: clock.clone(), misdeed, state: Arc::new(Mutex::new(state)) }
    }

    /// As a subject, by the same clock.
    pub(crate) fn subject(clock: &Arc<VirtualClock>, misdeed: Misdeed) -> InProcess {
        InProcess::new(Box::new(Self::new(clock, misdeed)), clock.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a task after those before it, and comes back to now.
    fn serve(&self, state: &mut State, id: i64, payload: &[u8]) {
        let Some((handler, listener)) = state.pool.clone() else {
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

impl LocalQueue for Fake {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
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

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        tasks.iter().map(|task| self.enqueue(task)).collect()
    }

    fn hold(&self, _: &'static str, _: usize, _: Duration) -> Result<Vec<i64>, LocalError> {
        Ok(Vec::new())
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        let mut state = self.state();
        state.busy_until = self.clock.now();
        state.pool = pool.handlers.first().map(|(_, handler)| (handler.clone(), pool.listener));
        for (id, payload) in std::mem::take(&mut state.waiting) {
            self.serve(&mut state, id, &payload);
        }
        Ok(Box::new(FakePool { state: self.state.clone() }))
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }

    fn census(&self) -> Result<Census, LocalError> {
        let ready = u64::try_from(self.state().waiting.len()).unwrap_or(u64::MAX);
        Ok(Census { ready, ..Census::default() })
    }

    fn settings(&self) -> Result<Vec<(String, String)>, LocalError> {
        Ok(Vec::new())
    }
}

struct FakePool {
    state: Arc<Mutex<State>>,
}

impl RunningPool for FakePool {
    fn stop(self: Box<Self>, _: Duration) -> PoolReport {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.pool = None;
        PoolReport { per_worker: vec![state.handled], errors: Vec::new() }
    }
}
