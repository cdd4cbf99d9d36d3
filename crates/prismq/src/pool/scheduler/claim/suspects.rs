//! One suspect at a time in a process.
//!
//! A suspect is a task whose lease expired unsettled: it may have killed its process. Run next to each
//! other, suspects would share the blame for one of them again and again, until the innocent ones are
//! dead letters as well. Run one at a time, whichever of them kills the process is the only one of them
//! to lose an attempt, whatever the number of pools in the process.

use std::ptr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use crate::time::Signal;

static GATE: LazyLock<Arc<SuspectGate>> = LazyLock::new(Arc::default);

/// Lets one suspect through at a time.
#[derive(Debug, Default)]
pub(in crate::pool) struct SuspectGate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    waiting: Vec<Weak<Signal>>,
}

/// The right to claim and run a suspect; dropping it gives it back.
#[derive(Debug)]
pub(in crate::pool) struct SuspectPermit {
    gate: Arc<SuspectGate>,
}

impl SuspectGate {
    /// The gate of this process.
    pub(in crate::pool) fn of_process() -> Arc<Self> {
        GATE.clone()
    }

    /// The permit, if nobody has it; else `waiter` is raised when it is given back.
    pub(in crate::pool) fn acquire(
        self: &Arc<Self>,
        waiter: &Arc<Signal>,
    ) -> Option<SuspectPermit> {
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

    /// Whether somebody has the permit.
    pub(in crate::pool) fn is_taken(&self) -> bool {
        self.state().taken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
