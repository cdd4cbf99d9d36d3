//! Slots that wait for work, and waking some of them.
//!
//! Which to wake does not matter to the scheduler, only how many. The last to wait is woken first, so that under a
//! light load the same few are used, whose memory is warm.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::time::wake;

/// The waiting slots.
#[derive(Debug, Default)]
pub(in crate::pool) struct ParkedSlots {
    slots: Mutex<Vec<(usize, Waker)>>,
}

impl ParkedSlots {
    /// A slot waits. Its waker is replaced if it waited already.
    pub(super) fn park(&self, slot: usize, waker: Waker) {
        let mut slots = self.lock();
        let replaced = match slots.iter_mut().find(|(parked, _)| *parked == slot) {
            Some((_, parked)) => Some(std::mem::replace(parked, waker)),
            None => {
                slots.push((slot, waker));
                None
            }
        };
        drop(slots);
        drop(replaced);
    }

    /// A slot waits no more, without having been woken for that.
    pub(super) fn unpark(&self, slot: usize) {
        let mut slots = self.lock();
        let index = slots.iter().rposition(|(parked, _)| *parked == slot);
        let removed = index.map(|index| slots.remove(index));
        drop(slots);
        drop(removed);
    }

    /// Wakes this many, or all that wait.
    pub(in crate::pool) fn wake(&self, count: usize) {
        if count == 0 {
            return;
        }
        let mut slots = self.lock();
        let left = slots.len().saturating_sub(count);
        let woken = slots.split_off(left);
        drop(slots);
        wake(woken.into_iter().map(|(_, waker)| waker));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, Waker)>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
