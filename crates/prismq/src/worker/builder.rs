//! Putting a pool together and starting its threads.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::listener::Listener;
use super::registry::Registry;
use super::state::State;
use super::{Crew, Event, OnEvent, TaskContext, WorkerPool, attendant, dispatch};
use crate::error::{Error, Result};
use crate::failure::TaskError;
use crate::lease::{Claim, DEFAULT_LEASE};
#[cfg(target_os = "linux")]
use crate::limits::OTHERS_INTERVAL_TOLD;
use crate::limits::{OTHERS_INTERVAL, PREFETCH_DEFAULT, PREFETCH_MAX, WORKERS_MAX};
use crate::queue::Queue;
use crate::requirements::Names;
use crate::signal::Signal;
use crate::task::DEFAULT_QUEUE;

/// How a pool works.
#[must_use = "call start()"]
pub struct WorkerPoolBuilder {
    queue: Queue,
    name: Arc<str>,
    workers: usize,
    prefetch: usize,
    lease: Duration,
    capabilities: Names,
    registry: Registry,
    registered_twice: Option<Arc<str>>,
    on_event: Option<OnEvent>,
}

impl WorkerPoolBuilder {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            name: DEFAULT_QUEUE.into(),
            workers: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            prefetch: PREFETCH_DEFAULT,
            lease: DEFAULT_LEASE,
            capabilities: Names::default(),
            registry: Registry::default(),
            registered_twice: None,
            on_event: None,
        }
    }

    /// The queue to serve; `default` unless set.
    pub fn queue(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many handlers run at once; one a core unless set.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// At most this many claimed tasks wait for a worker, beside those that run; 2048 unless set.
    /// Fewer are held where handlers are slow.
    pub const fn prefetch(mut self, prefetch: usize) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// How long a task stays this pool's if the process dies; 60 seconds unless set. While the pool
    /// lives, it extends the leases of long tasks by itself.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// What the workers have: tasks that require anything else are left to others.
    pub fn capabilities<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.capabilities = Names::new(names);
        self
    }

    /// What to do with tasks of this type. Types without a handler are never claimed.
    pub fn handler(
        mut self,
        task_type: impl Into<Arc<str>>,
        handler: impl Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync + 'static,
    ) -> Self {
        let task_type = task_type.into();
        if !self.registry.add(task_type.clone(), handler) {
            self.registered_twice = Some(task_type);
        }
        self
    }

    /// Who is told of each attempt after its commit. Called on a worker's thread: keep it short.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(listener));
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a setting outside [`crate::limits`], no handler or two for one
    /// type; [`Error::Thread`] if a thread cannot be started: those already started are then stopped.
    pub fn start(self) -> Result<WorkerPool> {
        let claim = Claim {
            capabilities: self.capabilities,
            ..Claim::new(self.registry.types()).queue(self.name).lease(self.lease)
        };
        claim.validate()?;
        if let Some(task_type) = self.registered_twice {
            return Err(Error::invalid("handler", format!("{task_type:?} has two of them")));
        }
        within("workers", self.workers, WORKERS_MAX)?;
        within("prefetch", self.prefetch, PREFETCH_MAX)?;
        #[cfg(target_os = "linux")]
        let listener = listen(&self.queue);
        #[cfg(target_os = "linux")]
        let others_interval =
            if listener.is_some() { OTHERS_INTERVAL_TOLD } else { OTHERS_INTERVAL };
        #[cfg(not(target_os = "linux"))]
        let others_interval = OTHERS_INTERVAL;
        let attend = Arc::new(Signal::default());
        self.queue.clock().on_jump(&attend);
        let crew = Arc::new(Crew {
            queue: self.queue,
            registry: self.registry,
            claim,
            on_event: self.on_event,
            state: Mutex::new(State::new(self.workers, self.prefetch)),
            changed: Condvar::new(),
            attend,
            listen: Signal::default(),
            others_interval,
        });
        // From here on, dropping the pool stops what was started.
        let mut pool = WorkerPool {
            crew,
            threads: Vec::new(),
            attendant: None,
            #[cfg(target_os = "linux")]
            listener: None,
        };
        #[cfg(target_os = "linux")]
        if let Some(listener) = listener {
            let (crew, run) = (pool.crew.clone(), listener.clone());
            let thread = spawn("prismq-listener", move || run.run(&crew))?;
            pool.listener = Some((listener, thread));
        }
        let crew = pool.crew.clone();
        // Not the thread's own: the workers may be well under way before it runs.
        let started_at = crew.queue.clock().monotonic();
        pool.attendant = Some(spawn("prismq-attendant", move || {
            crew.or_halt(|| attendant::run(&crew, started_at));
        })?);
        for worker in 0..self.workers {
            let crew = pool.crew.clone();
            let name = format!("prismq-worker-{worker}");
            pool.threads.push(spawn(&name, move || {
                crew.or_halt(|| dispatch::work(&crew, worker));
            })?);
        }
        Ok(pool)
    }
}

/// Listens to the queue's file, where the kernel has room for one more listener.
#[cfg(target_os = "linux")]
fn listen(queue: &Queue) -> Option<Arc<Listener>> {
    match Listener::new(&queue.changing_file()?) {
        Ok(listener) => Some(Arc::new(listener)),
        Err(error) => {
            tracing::warn!(%error, "the kernel does not tell of other processes: looking instead");
            None
        }
    }
}

fn within(what: &'static str, count: usize, max: usize) -> Result<()> {
    if count == 0 || count > max {
        return Err(Error::invalid(what, format!("{count}, must lie in 1 to {max}")));
    }
    Ok(())
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| Error::Thread { source: Arc::new(error) })
}
