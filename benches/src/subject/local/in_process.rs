//! Makes a subject of a queue in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, Time};
use crate::base::error::{Error, Result};
use crate::subject::local::{LocalPool, LocalQueue, generator, handler};
use crate::subject::{
    Census, Counters, Load, Offered, Order, PoolSpec, Recording, RunningPool, Settled, Sink,
    Subject,
};

/// A queue in this process, the clock of its times, and its file if it can be watched.
pub struct InProcess {
    queue: Box<dyn LocalQueue>,
    clock: Arc<dyn Clock>,
    file: Option<PathBuf>,
}

impl InProcess {
    /// A queue by this clock, without a file.
    #[must_use]
    pub const fn new(queue: Box<dyn LocalQueue>, clock: Arc<dyn Clock>) -> Self {
        Self { queue, clock, file: None }
    }

    /// With the file of its database.
    #[must_use]
    pub fn with_file(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    fn pool(&self, pool: &PoolSpec, sink: Arc<dyn Sink>) -> LocalPool {
        let handlers = pool.handlers.iter().map(|(task_type, what)| {
            let runs = (pool.recording == Recording::Runs).then(|| sink.clone());
            (*task_type, handler::handler(what.clone(), self.clock.clone(), runs))
        });
        let handlers = handlers.collect();
        let (clock, timed) = (self.clock.clone(), pool.recording >= Recording::Settled);
        LocalPool {
            workers: pool.workers,
            lease: pool.lease,
            handlers,
            listener: Arc::new(move |settled: &Settled| {
                sink.settled(*settled, if timed { clock.now() } else { Time::default() });
            }),
        }
    }
}

impl Subject for InProcess {
    fn enqueue(&self, load: &Load<'_>) -> Result<Offered> {
        generator::generate(&*self.queue, &*self.clock, load)
    }

    fn hold(&self, task_type: &'static str, max: usize, lease: Duration) -> Result<Vec<i64>> {
        self.queue.hold(task_type, max, lease).map_err(Error::subject("claim tasks to hold"))
    }

    fn start(&self, pool: &PoolSpec, sink: Arc<dyn Sink>) -> Result<Box<dyn RunningPool>> {
        let running = self.queue.start_on(pool.queue, self.pool(pool, sink));
        running.map_err(Error::subject("start a pool"))
    }

    fn set_order(&self, queue: &str, order: Order) -> Result<()> {
        self.queue.set_order(queue, order).map_err(Error::subject("set the order"))
    }

    fn census(&self, queue: &str) -> Result<Census> {
        self.queue.census_of(queue).map_err(Error::subject("count its tasks"))
    }

    fn counters(&self) -> Counters {
        self.queue.counters()
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        self.queue.settings().map_err(Error::subject("read its settings back"))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}
