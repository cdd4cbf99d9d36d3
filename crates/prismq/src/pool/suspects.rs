//! One suspect at a time in a process.
//!
//! A suspect is a task whose lease expired unsettled: it may have killed its process. Run next to each
//! other, suspects would share the blame for one of them again and again, until the innocent ones are
//! dead letters as well. Run one at a time, whichever of them kills the process is the only one to lose
//! an attempt, whatever the number of pools in the process.

use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::signal::Signal;

static GATE: Mutex<Gate> = Mutex::new(Gate { taken: false, waiting: Vec::new() });

#[derive(Debug)]
struct Gate {
    taken: bool,
    waiting: Vec<Weak<Signal>>,
}

/// The right to claim and run a suspect; dropping it gives it back.
#[derive(Debug)]
pub(super) struct SuspectPermit(());

impl SuspectPermit {
    /// The permit, if nobody in this process has it; else `waiter` is raised when it is given back.
    pub(super) fn acquire(waiter: &Arc<Signal>) -> Option<Self> {
        let mut gate = gate();
        if gate.taken {
            let waits = |other: &Weak<Signal>| ptr::eq(other.as_ptr(), Arc::as_ptr(waiter));
            if !gate.waiting.iter().any(waits) {
                gate.waiting.push(Arc::downgrade(waiter));
            }
            return None;
        }
        gate.taken = true;
        Some(Self(()))
    }

    /// Whether somebody in this process has it.
    pub(super) fn is_taken() -> bool {
        gate().taken
    }
}

impl Drop for SuspectPermit {
    fn drop(&mut self) {
        let mut gate = gate();
        gate.taken = false;
        for waiter in std::mem::take(&mut gate.waiting).iter().filter_map(Weak::upgrade) {
            waiter.raise();
        }
    }
}

fn gate() -> MutexGuard<'static, Gate> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}
