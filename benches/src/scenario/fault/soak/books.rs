//! Who was enqueued and completed when, in memory that is taken from the system before the load begins:
//! else it would be the harness that grows, and the queue that is suspected.

use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Soak;
use crate::subject::{Ending, Listener};

/// Room for so much more than is planned, as a divisor: a phase may end a little late.
const SPARE: usize = 10;
const SPARE_MIN: usize = 1000;

/// One task as its caller saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) id: i64,
    pub(super) intended: Instant,
    pub(super) called: Instant,
    pub(super) committed: Instant,
}

/// A completion and when it was known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    pub(super) id: i64,
    pub(super) at: Instant,
}

/// The completions of this process's pool.
#[derive(Debug)]
pub(super) struct Books {
    completions: Mutex<Vec<Completion>>,
}

impl Books {
    pub(super) fn of(load: Soak) -> Arc<Self> {
        let filler = Completion { id: 0, at: Instant::now() };
        Arc::new(Self { completions: Mutex::new(resident(filler, tasks(load))) })
    }

    /// Enters what is completed. What ends otherwise is found to be lost.
    pub(super) fn listener(self: &Arc<Self>) -> Listener {
        let books = self.clone();
        Arc::new(move |settled| {
            if settled.ending == Ending::Completed {
                let completion = Completion { id: settled.id, at: Instant::now() };
                books.completions.lock().unwrap_or_else(PoisonError::into_inner).push(completion);
            }
        })
    }

    pub(super) fn completions(&self) -> Vec<Completion> {
        self.completions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Room for the arrivals of one caller.
pub(super) fn arrivals_of_one(load: Soak) -> Vec<Arrival> {
    let now = Instant::now();
    let filler = Arrival { id: 0, intended: now, called: now, committed: now };
    resident(filler, tasks(load).div_ceil(usize::try_from(load.callers.max(1)).unwrap_or(1)))
}

fn tasks(load: Soak) -> usize {
    let planned =
        load.length.as_nanos() / load.gap.as_nanos().max(Duration::from_micros(1).as_nanos());
    let planned = usize::try_from(planned).unwrap_or(usize::MAX / 2);
    planned.saturating_add(planned / SPARE).saturating_add(SPARE_MIN)
}

/// An empty vector whose memory has been written to, so that it is resident.
fn resident<T: Clone>(filler: T, capacity: usize) -> Vec<T> {
    let mut room = vec![filler; capacity];
    black_box(&mut room).clear();
    room
}
