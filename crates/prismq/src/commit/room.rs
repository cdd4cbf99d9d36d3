//! Futures that wait for room in the submission queue.
//!
//! Room is given to whoever asks for it first, not to the first of these: a future that is not polled, say because
//! its task waits for something else, must not keep others waiting.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

use super::pending::Size;

/// The futures, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct RoomQueue {
    /// Each with its waker, unless it was woken and not polled since.
    waiting: BTreeMap<Ticket, (Size, Option<Waker>)>,
    next: u64,
}

/// The place of a future among those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

impl RoomQueue {
    /// A place for a future that comes.
    pub(super) const fn ticket(&mut self) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }

    /// The future at this place waits; returns its previous waker, to be dropped where no lock is held.
    pub(super) fn wait(&mut self, ticket: Ticket, size: Size, waker: Waker) -> Option<Waker> {
        self.waiting.insert(ticket, (size, Some(waker))).and_then(|(_, previous)| previous)
    }

    /// The future at this place does not wait any more; returns its waker, to be dropped where no lock is held.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        self.waiting.remove(&ticket).and_then(|(_, waker)| waker)
    }

    /// The wakers of the first futures, as many as fit after so many operations and bytes. Those woken before count:
    /// they are about to come, or leave.
    pub(super) fn wakers_of_those_that_fit(
        &mut self,
        mut operations: usize,
        mut bytes: usize,
    ) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for (size, waker) in self.waiting.values_mut() {
            if !size.fits_after(operations, bytes) {
                break;
            }
            operations += size.operations;
            bytes += size.bytes;
            wakers.extend(waker.take());
        }
        wakers
    }

    /// The wakers of all futures.
    pub(super) fn wakers_of_all(&mut self) -> Vec<Waker> {
        let waiting = self.waiting.values_mut();
        waiting.filter_map(|(_, waker)| mem::take(waker)).collect()
    }

    /// How many futures wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
