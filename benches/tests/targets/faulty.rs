//! The queue of this workspace with one thing wrong.

use std::fs::OpenOptions;
use std::hint::spin_loop;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prismq_bench::scenario::stage::Between;
use prismq_bench::subject::local::{
    Attempt, HandlerFn, Listener, LocalError, LocalPool, LocalQueue,
};
use prismq_bench::subject::{Census, Counters, Ending, PoolReport, RunningPool, Settled, TaskSpec};

/// Bytes that a leaking subject keeps of each attempt.
const LEAK_BYTES: usize = 2 << 20;
/// Payloads from which on a subject that minds them is slow.
const LARGE_BYTES: usize = 1_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Each attempt begins so late.
    Late(Duration),
    /// Only attempts with large payloads begin so late.
    LateWithLarge(Duration),
    /// One handler at a time.
    OneByOne,
    /// Each enqueue takes so much longer.
    SlowEnqueue(Duration),
    /// Each enqueue writes in many small pieces, this many bytes.
    Writes(usize),
    /// Completions are not reported.
    Loses,
    /// Completions are reported twice.
    Duplicates,
    /// Completed tasks of this type are reported dead.
    Buries(&'static str),
    /// Operations are answered busy and claims are lost.
    Contends,
    /// The pool reports an error when it stops.
    Complains,
    /// Memory of each attempt is not given back.
    Leaks,
    /// Idle workers look for work again and again.
    Polls,
}

impl Fault {
    /// Puts it between a stage and its subject.
    pub(crate) fn between(self) -> Between {
        Arc::new(move |inner| {
            Box::new(Faulty { inner, fault: self, polls: Arc::new(AtomicU64::new(0)) })
        })
    }
}

struct Faulty {
    inner: Box<dyn LocalQueue>,
    fault: Fault,
    polls: Arc<AtomicU64>,
}

impl Faulty {
    fn enqueuing(&self, tasks: usize) {
        match self.fault {
            Fault::SlowEnqueue(by) => thread::sleep(by),
            Fault::Writes(bytes) => {
                let Ok(mut nowhere) = OpenOptions::new().write(true).open("/dev/null") else {
                    return;
                };
                for _ in 0..bytes * tasks / 512 {
                    // One that wrote less would meet its target, which the test then finds.
                    let _ = nowhere.write_all(&[0; 512]);
                }
            }
            _ => {}
        }
    }

    fn handler(&self, handler: HandlerFn) -> HandlerFn {
        let (fault, turn) = (self.fault, Arc::new(Mutex::new(())));
        Arc::new(move |attempt: &Attempt<'_>| match fault {
            Fault::Late(by) => {
                thread::sleep(by);
                handler(attempt)
            }
            Fault::LateWithLarge(by) if attempt.payload.len() > LARGE_BYTES => {
                thread::sleep(by);
                handler(attempt)
            }
            Fault::OneByOne => {
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                handler(attempt)
            }
            Fault::Leaks => {
                vec![0x5a_u8; LEAK_BYTES].leak();
                handler(attempt)
            }
            _ => handler(attempt),
        })
    }

    fn listener(&self, listener: Listener, buried: Vec<&'static str>) -> Listener {
        let fault = self.fault;
        Arc::new(move |settled: &Settled| match fault {
            Fault::Loses => {}
            Fault::Duplicates => {
                listener(settled);
                listener(settled);
            }
            Fault::Buries(of) if buried.contains(&of) => {
                listener(&Settled { ending: Ending::Dead, ..*settled });
            }
            _ => listener(settled),
        })
    }
}

impl LocalQueue for Faulty {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
        self.enqueuing(1);
        self.inner.enqueue(task)
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        self.enqueuing(tasks.len());
        self.inner.enqueue_all(tasks)
    }

    fn hold(&self, of: &'static str, max: usize, lease: Duration) -> Result<Vec<i64>, LocalError> {
        self.inner.hold(of, max, lease)
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        let types = pool.handlers.iter().map(|(name, _)| *name).collect();
        let listener = self.listener(pool.listener, types);
        let handlers = pool.handlers.into_iter();
        let handlers = handlers.map(|(name, handler)| (name, self.handler(handler))).collect();
        let stopped = Arc::new(AtomicBool::new(false));
        let poller = (self.fault == Fault::Polls).then(|| poll(&stopped, &self.polls));
        let inner = self.inner.start(LocalPool { handlers, listener, ..pool })?;
        Ok(Box::new(FaultyPool { inner, fault: self.fault, stopped, poller }))
    }

    fn counters(&self) -> Counters {
        let counted = self.inner.counters();
        match self.fault {
            Fault::Contends => Counters {
                busy_errors: counted.write_transactions,
                claim_conflicts: counted.write_transactions,
                ..counted
            },
            Fault::Polls => {
                let polls = self.polls.load(Ordering::Relaxed);
                Counters { write_transactions: counted.write_transactions + polls, ..counted }
            }
            _ => counted,
        }
    }

    fn census(&self) -> Result<Census, LocalError> {
        self.inner.census()
    }

    fn settings(&self) -> Result<Vec<(String, String)>, LocalError> {
        self.inner.settings()
    }
}

fn poll(stopped: &Arc<AtomicBool>, polls: &Arc<AtomicU64>) -> JoinHandle<()> {
    let (stopped, polls) = (stopped.clone(), polls.clone());
    thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            (0..1_000).for_each(|_| spin_loop());
            polls.fetch_add(1, Ordering::Relaxed);
        }
    })
}

struct FaultyPool {
    inner: Box<dyn RunningPool>,
    fault: Fault,
    stopped: Arc<AtomicBool>,
    poller: Option<JoinHandle<()>>,
}

impl RunningPool for FaultyPool {
    fn stop(mut self: Box<Self>, bound: Duration) -> PoolReport {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(poller) = self.poller.take() {
            let _ = poller.join();
        }
        let mut report = self.inner.stop(bound);
        if self.fault == Fault::Complains {
            report.errors.push("something went wrong".to_owned());
        }
        report
    }
}
