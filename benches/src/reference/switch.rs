//! How long the system takes to let one thread run that another wakes: what no wake-up can be faster than.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};

/// The times of this many switches, in nanoseconds: from just before a thread wakes a parked one until
/// that one runs. `rest` before each lets both fall asleep, as they do while a queue idles.
///
/// # Errors
/// [`Error::Histogram`] if there can be none, [`Error::Panicked`] if a thread did.
pub fn switches(count: usize, rest: Duration) -> Result<Histogram<u64>> {
    let turn = AtomicUsize::new(0);
    let (called, begun) = thread::scope(|scope| {
        let woken = scope.spawn(|| {
            let mut begun = Vec::with_capacity(count);
            while begun.len() < count {
                // A thread may also be unparked for no reason.
                while turn.load(Ordering::Acquire) == begun.len() {
                    thread::park();
                }
                begun.push(Instant::now());
            }
            begun
        });
        let called: Vec<Instant> = (1..=count)
            .map(|number| {
                thread::sleep(rest);
                let called = Instant::now();
                turn.store(number, Ordering::Release);
                woken.thread().unpark();
                called
            })
            .collect();
        (called, woken.join())
    });
    let begun = begun.map_err(|_| Error::Panicked { what: "a thread that is woken" })?;
    let mut times = empty("switch")?;
    for (called, begun) in called.into_iter().zip(begun) {
        add(&mut times, begun.saturating_duration_since(called));
    }
    Ok(times)
}
