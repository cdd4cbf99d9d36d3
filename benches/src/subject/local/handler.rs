//! Plays a handler in this process.

use std::hint::{black_box, spin_loop};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, thread_time};
use crate::subject::local::HandlerFn;
use crate::subject::{Fail, Handler, Run, Sink, Work, number_of};

/// A closure that does what a handler is to do, and reports its runs where anybody asks for them.
pub(super) fn handler(
    handler: Handler,
    clock: Arc<dyn Clock>,
    runs: Option<Arc<dyn Sink>>,
) -> HandlerFn {
    Arc::new(move |attempt| {
        let started = runs.as_ref().map(|_| clock.now());
        let number = number_of(attempt.payload).ok_or("the payload is not the one enqueued")?;
        let used = work(&handler.work, number, &*clock);
        if let (Some(runs), Some(started)) = (&runs, started) {
            let ended = clock.now();
            runs.ran(Run {
                id: attempt.id,
                started,
                ended,
                worked: used.unwrap_or(ended.since(started)),
            });
        }
        match &handler.fail {
            Fail::First(attempts) if attempt.number <= attempts.of(number) => {
                Err(format!("attempt {} fails as planned", attempt.number))
            }
            // Unwinds as any panic does, but without the message of the hook, which would look like a failure of
            // the benchmark.
            Fail::PanicOnce if attempt.number == 1 => {
                resume_unwind(Box::new("this task panics once"))
            }
            _ => Ok(()),
        }
    })
}

/// Does a handler's work; the processor time it used, where that is what counts.
fn work(work: &Work, number: u64, clock: &dyn Clock) -> Option<Duration> {
    match work {
        Work::None => None,
        Work::Sleep(times) => {
            let time = times.of(number);
            if !time.is_zero() {
                clock.sleep(time);
            }
            None
        }
        Work::Spin(times) => Some(spin(times.of(number))),
        Work::List(numbers) => {
            drop(black_box((0..*numbers).collect::<Vec<u64>>()));
            None
        }
    }
}

fn spin(time: Duration) -> Duration {
    let began = thread_time();
    loop {
        let used = thread_time().saturating_sub(began);
        if used >= time {
            return used;
        }
        (0..100).for_each(|_| spin_loop());
    }
}
