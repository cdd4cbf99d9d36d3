//! The time of a wake-up, by a queue whose commit and wake-up take a known time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq_bench::scenario::stage::Between;
use prismq_bench::scenario::wake::{From, wake};
use prismq_bench::subject::local::{
    Attempt, HandlerFn, Listener, LocalError, LocalPool, LocalQueue,
};
use prismq_bench::subject::{
    Census, Counters, Ending, PoolReport, RunningPool, Settled, SubjectKind, TaskSpec,
};

use crate::support::stage::stage;
use crate::support::virtual_clock::VirtualClock;

const COMMIT: Duration = Duration::from_micros(300);
const WAKE_UP: Duration = Duration::from_micros(20);

type Pool = Arc<Mutex<Option<(HandlerFn, Listener)>>>;

/// Runs a task at once: before its caller has the answer.
struct Prompt {
    clock: Arc<VirtualClock>,
    pool: Pool,
    enqueued: Mutex<i64>,
}

impl LocalQueue for Prompt {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
        let mut enqueued = self.enqueued.lock().unwrap();
        *enqueued += 1;
        self.clock.advance(COMMIT);
        if let Some((handler, listener)) = &*self.pool.lock().unwrap() {
            self.clock.advance(WAKE_UP);
            handler(&Attempt { id: *enqueued, payload: &task.payload, number: 1 }).unwrap();
            listener(&Settled { id: *enqueued, attempt: 1, ending: Ending::Completed });
            self.clock.advance(WAKE_UP);
        }
        Ok(*enqueued)
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        tasks.iter().map(|task| self.enqueue(task)).collect()
    }

    fn hold(&self, _: &'static str, _: usize, _: Duration) -> Result<Vec<i64>, LocalError> {
        Ok(Vec::new())
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        let (_, handler) = pool.handlers.into_iter().next().unwrap();
        *self.pool.lock().unwrap() = Some((handler, pool.listener));
        Ok(Box::new(Stopping(self.pool.clone())))
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }

    fn census(&self) -> Result<Census, LocalError> {
        Ok(Census::default())
    }

    fn settings(&self) -> Result<Vec<(String, String)>, LocalError> {
        Ok(Vec::new())
    }
}

struct Stopping(Pool);

impl RunningPool for Stopping {
    fn stop(self: Box<Self>, _: Duration) -> PoolReport {
        *self.0.lock().unwrap() = None;
        PoolReport { per_worker: Vec::new(), errors: Vec::new() }
    }
}

#[test]
fn a_handler_that_begins_before_the_answer_has_its_time_after_the_commit() {
    let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
    let clock = Arc::new(VirtualClock::new());
    let of_queue = clock.clone();
    let between: Between = Arc::new(move |_| {
        let (clock, pool) = (of_queue.clone(), Pool::default());
        Box::new(Prompt { clock, pool, enqueued: Mutex::new(0) })
    });
    let stage = stage.with_clock(clock).with_between(between);
    let woken = wake(&stage, 1, 5, From::Here).unwrap();
    assert_eq!((woken.wake.len(), woken.faults), (5, Vec::new()));
    for (times, wanted) in
        [(woken.wake, WAKE_UP), (woken.started, COMMIT + WAKE_UP), (woken.publish, COMMIT)]
    {
        for found in [times.min(), times.max()] {
            // Distributions keep three digits.
            let ratio = Duration::from_nanos(found).div_duration_f64(wanted);
            assert!((0.99..1.01).contains(&ratio), "{found} ns instead of {wanted:?}");
        }
    }
}
