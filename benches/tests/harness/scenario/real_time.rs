//! Waits by the system's clock, with threads: random arrivals at one server that takes 4 ms. The times
//! of single tasks follow from when they came (Lindley's recursion): a wait is what the task before had to
//! wait and take, less the time between the two.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prismq_bench::base::clock::SystemClock;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::open::{OpenLoop, run};
use prismq_bench::subject::local::{Attempt, InProcess, LocalError, LocalPool, LocalQueue};
use prismq_bench::subject::{
    Census, Counters, Ending, PoolReport, RunningPool, Settled, TaskSpec, Work,
};

const SERVICE: Duration = Duration::from_millis(4);
const TASKS: usize = 400;

type Sent = (i64, Vec<u8>);

/// One thread that serves what it is sent, in order.
#[derive(Default)]
struct Server {
    enqueued: AtomicI64,
    /// Where tasks are sent, while the thread runs.
    to: Arc<Mutex<Option<Sender<Sent>>>>,
}

impl LocalQueue for Server {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
        let id = self.enqueued.fetch_add(1, Ordering::Relaxed);
        let to = self.to.lock().unwrap();
        to.as_ref().unwrap().send((id, task.payload.clone())).unwrap();
        Ok(id)
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        tasks.iter().map(|task| self.enqueue(task)).collect()
    }

    fn hold(&self, _: &'static str, _: usize, _: Duration) -> Result<Vec<i64>, LocalError> {
        Ok(Vec::new())
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        let (sender, receiver) = channel::<Sent>();
        *self.to.lock().unwrap() = Some(sender);
        let thread = thread::spawn(move || {
            let mut handled = 0;
            for (id, payload) in receiver {
                let handler = &pool.handlers[0].1;
                handler(&Attempt { id, payload: &payload, number: 1 }).unwrap();
                (pool.listener)(&Settled { id, attempt: 1, ending: Ending::Completed });
                handled += 1;
            }
            handled
        });
        Ok(Box::new(Serving { to: self.to.clone(), thread }))
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

struct Serving {
    to: Arc<Mutex<Option<Sender<Sent>>>>,
    thread: JoinHandle<u64>,
}

impl RunningPool for Serving {
    fn stop(self: Box<Self>, _: Duration) -> PoolReport {
        *self.to.lock().unwrap() = None;
        PoolReport { per_worker: vec![self.thread.join().unwrap()], errors: Vec::new() }
    }
}

/// The mean wait of tasks that come at these times, if all goes as it should.
fn least_wait(offsets: &[Duration]) -> Duration {
    let (mut wait, mut sum) = (Duration::ZERO, Duration::ZERO);
    for pair in offsets.windows(2) {
        wait = (wait + SERVICE).saturating_sub(pair[1] - pair[0]);
        sum += wait;
    }
    sum / u32::try_from(offsets.len()).unwrap()
}

#[test]
fn waits_are_no_shorter_than_the_arrivals_imply() {
    let subject = InProcess::new(Box::new(Server::default()), Arc::new(SystemClock));
    let (arrivals, interval) = (ArrivalProcess::Poisson { seed: 3 }, SERVICE * 2);
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks: TASKS,
        warm_up: 0,
        settle: 0,
        interval,
        arrivals,
        work: Work::sleep(SERVICE),
    };
    let offered = run(&subject, &load).unwrap();
    assert_eq!(offered.audit.completed, u64::try_from(TASKS).unwrap());
    // A busy machine may make it longer, and nothing can make it shorter.
    let least = least_wait(&arrivals.offsets(TASKS, interval)) + SERVICE;
    let found = Duration::from_nanos(offered.latencies.end_to_end.mean() as u64);
    assert!(found >= least.mul_f64(0.999), "{found:?} of {least:?}");
    assert!(offered.latencies.service.min() >= 3_996_000);
    println!("end to end: {found:?}, by its arrivals {least:?}");
}
