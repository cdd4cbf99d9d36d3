//! One suspect at a time in a process.
//!
//! A suspect is a task whose lease expired before it was settled: it may have killed its process. Run at the
//! same time, suspects would lose an attempt each whenever one of them kills the process, until the harmless
//! ones are dead letters as well. Run one at a time, by a permit that all pools of the process share, only the
//! one that kills it loses an attempt. Its beginning is committed before it runs. One that runs longer than
//! [`SUSPECT_ALONE`] keeps the others waiting no more.

use std::ptr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::super::held::ready::Ready;
use crate::model::{Lease, LeaseKey};
use crate::time::Signal;

/// How long a task that may have killed its process before keeps others like it from running in the same
/// process.
pub(crate) const SUSPECT_ALONE: Duration = Duration::from_secs(60);

static GATE: LazyLock<Arc<SuspectGate>> = LazyLock::new(Arc::default);

/// The one permit of the process.
#[derive(Debug, Default)]
pub(crate) struct SuspectGate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    waiting: Vec<Weak<Signal>>,
}

/// The right to claim and run a suspect, returned when dropped.
#[derive(Debug)]
pub(crate) struct SuspectPermit {
    gate: Arc<SuspectGate>,
}

impl SuspectGate {
    /// The gate of this process.
    pub(crate) fn of_process() -> Arc<Self> {
        GATE.clone()
    }

    /// The permit, if no pool has it; otherwise `waiter` is raised once it is returned.
    pub(crate) fn acquire(self: &Arc<Self>, waiter: &Arc<Signal>) -> Option<SuspectPermit> {
        let mut state = self.state();
        if state.taken {
            let waits = |other: &Weak<Signal>| ptr::eq(other.as_ptr(), Arc::as_ptr(waiter));
            if !state.waiting.iter().any(waits) {
                state.waiting.push(Arc::downgrade(waiter));
            }
            return None;
        }
        state.taken = true;
        Some(SuspectPermit { gate: self.clone() })
    }

    /// Whether a pool has the permit.
    pub(crate) fn is_taken(&self) -> bool {
        self.state().taken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool's part in it.
#[derive(Debug)]
pub(crate) struct Suspects {
    gate: Arc<SuspectGate>,
    /// The leader's signal, raised when the permit may be had again.
    signal: Arc<Signal>,
    permit: Option<SuspectPermit>,
    /// The suspect that runs by the permit, and since when.
    running: Option<(LeaseKey, Instant)>,
}

impl Suspects {
    pub(crate) const fn new(gate: Arc<SuspectGate>, signal: Arc<Signal>) -> Self {
        Self { gate, signal, permit: None, running: None }
    }

    /// Whether a claim may take a suspect; the pool then has the permit. Not while it holds one already.
    pub(crate) fn may_claim(&mut self, ready: &Ready) -> bool {
        if self.permit.is_some() {
            return self.running.is_none() && !ready.leases().any(Lease::is_suspect);
        }
        self.permit = self.gate.acquire(&self.signal);
        self.permit.is_some()
    }

    /// Whether some pool of the process has the permit.
    pub(crate) fn one_runs_in_process(&self) -> bool {
        self.gate.is_taken()
    }

    /// A worker begins this task.
    pub(crate) fn begun(&mut self, lease: &Lease, now: Instant) {
        if lease.is_suspect() {
            self.running = Some((lease.key, now));
        }
    }

    /// A worker has ended this task.
    pub(crate) fn ended(&mut self, key: LeaseKey) {
        if self.running.take_if(|(running, _)| *running == key).is_some() {
            self.permit = None;
        }
    }

    /// This task leaves the pool without having run.
    pub(crate) fn not_run(&mut self, lease: &Lease) {
        if lease.is_suspect() {
            self.permit = None;
        }
    }

    /// Gives the permit back if the suspect has run for too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        if self.running.take_if(|(_, since)| now >= *since + SUSPECT_ALONE).is_some() {
            self.permit = None;
        }
    }

    /// When the running suspect will have run for too long.
    pub(crate) fn expires_at(&self) -> Option<Instant> {
        self.running.map(|(_, since)| since + SUSPECT_ALONE)
    }

    pub(crate) fn drop_permit(&mut self) {
        self.permit = None;
    }
}

impl Drop for SuspectPermit {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.taken = false;
        for waiter in std::mem::take(&mut state.waiting).iter().filter_map(Weak::upgrade) {
            waiter.raise();
        }
    }
}
