//! The load generator: callers that enqueue on a schedule whether or not the queue keeps up, or each as fast
//! as it is answered.
//!
//! A call that returns late delays the calls after it but not the times they were meant for, so that a stall is
//! charged to every task it delays: this corrects for coordinated omission (Tene, *How NOT to Measure Latency*).
//! Nothing is skipped. How late a caller was though it had nothing else to do is kept apart, by
//! [`Arrival::free`]: the generator's own lag.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::base::clock::{Clock, Time, sleep_precisely};
use crate::base::error::{Error, Result};
use crate::subject::local::{LocalError, LocalQueue};
use crate::subject::{Arrival, Load, Offered, Pace, TaskSpec};

/// Room for so much more than a caller's share, as a divisor: a free caller takes what a busy one does not.
const SPARE: usize = 10;
const SPARE_MIN: usize = 16;

/// Offers a load and returns when the last task is answered.
pub(super) fn generate(
    queue: &dyn LocalQueue,
    clock: &dyn Clock,
    load: &Load<'_>,
) -> Result<Offered> {
    let callers = load.callers.max(1);
    let generator = Generator { queue, clock, load, next: AtomicUsize::new(0) };
    let share = load.tasks.count().div_ceil(callers);
    let room = || room(share + share / SPARE + SPARE_MIN);
    let (began, mut arrivals) = if callers == 1 && load.pace == Pace::UNPACED {
        let (room, began) = (room(), clock.now());
        (began, generator.call(began, room)?)
    } else {
        let (ready, go, began) =
            (Barrier::new(callers + 1), Barrier::new(callers + 1), AtomicU64::new(0));
        let answers = thread::scope(|scope| {
            let callers: Vec<_> = (0..callers)
                .map(|_| {
                    let (room, ready, go, began, generator) =
                        (room(), &ready, &go, &began, &generator);
                    scope.spawn(move || {
                        if load.pace.is_open() {
                            sleep_precisely();
                        }
                        ready.wait();
                        go.wait();
                        generator.call(Time::from_ns(began.load(Ordering::Relaxed)), room)
                    })
                })
                .collect();
            ready.wait();
            began.store(clock.now().as_ns(), Ordering::Relaxed);
            go.wait();
            callers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut arrivals = Vec::with_capacity(load.tasks.count());
        for answer in answers {
            arrivals.extend(answer.map_err(|_| Error::Panicked { what: "a caller" })??);
        }
        (Time::from_ns(began.into_inner()), arrivals)
    };
    arrivals.sort_unstable_by_key(|arrival| arrival.number);
    Ok(Offered { began, arrivals })
}

/// An empty list whose memory was taken from the system now rather than while a load is measured: else it would
/// be the generator that grows, and the queue that is suspected.
fn room(capacity: usize) -> Vec<Arrival> {
    let at = Time::default();
    let filler = Arrival { number: 0, id: 0, intended: at, free: at, called: at, committed: at };
    let mut room = vec![filler; capacity];
    room.clear();
    room
}

struct Generator<'a> {
    queue: &'a dyn LocalQueue,
    clock: &'a dyn Clock,
    load: &'a Load<'a>,
    /// The number of the next task that no caller has taken.
    next: AtomicUsize,
}

impl Generator<'_> {
    /// Enqueues what is next until nothing is left.
    fn call(&self, began: Time, mut arrivals: Vec<Arrival>) -> Result<Vec<Arrival>> {
        let (batch, pace) = (self.load.batch.max(1), self.load.pace);
        let mut free = began;
        while !self.is_stopped() {
            let first = self.next.fetch_add(batch, Ordering::Relaxed);
            let tasks = self.load.tasks.get(first..first.saturating_add(batch));
            let Some(last) = tasks.len().checked_sub(1) else { break };
            match pace {
                Pace::Scheduled(_) | Pace::Every(_) => {
                    let Some(offset) = pace.offset(first + last) else { break };
                    self.clock.wait_until(began + offset);
                    // A load that is stopped leaves out what was meant for later.
                    if self.is_stopped() {
                        break;
                    }
                }
                Pace::Closed(rest) if rest.is_zero() => {}
                Pace::Closed(rest) => self.clock.wait_until(free + rest),
            }
            let called = self.clock.now();
            let ids = insist(self.queue, &tasks).map_err(Error::subject("enqueue"))?;
            let committed = self.clock.now();
            for (number, id) in (first..).zip(ids) {
                let (intended, free) = match pace.offset(number) {
                    Some(offset) => (began + offset, free),
                    None => (called, called),
                };
                arrivals.push(Arrival { number, id, intended, free, called, committed });
            }
            free = committed;
        }
        Ok(arrivals)
    }

    fn is_stopped(&self) -> bool {
        self.load.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

/// Enqueues again and again while the answer is busy, which the queue counts.
fn insist(queue: &dyn LocalQueue, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
    loop {
        let answer = match tasks {
            [task] => queue.enqueue(task).map(|id| vec![id]),
            tasks => queue.enqueue_all(tasks),
        };
        match answer {
            Err(error) if error.is_busy() => {}
            answer => return answer,
        }
    }
}
