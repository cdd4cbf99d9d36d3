#![doc = include_str!("../../../docs/testing.md")]

mod executor;
mod handlers;
mod run;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tempfile::TempDir;

pub use self::handlers::TestHandlers;
use self::run::Registered;
use crate::model::limits::PAGE_TASKS_MAX;
use crate::model::{
    Bytes, Durability, Error, Result, RetryPolicy, State, Task, TaskInfo, TaskResult, decode,
};
use crate::pool::Context;
use crate::queue::Queue;
use crate::time::{Clock as _, ManualClock, Timestamp};

/// What the clock of a test queue shows at first: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A queue in a temporary file, with a clock that stands still and handlers that run when the test says so: see
/// [`testing`](crate::testing).
///
/// Where the queue itself fails, its methods panic with the error.
pub struct TestQueue {
    /// Before the queue: handlers may hold clones of it.
    handlers: RefCell<BTreeMap<Arc<str>, Rc<Registered>>>,
    queue: Queue,
    clock: Arc<ManualClock>,
    path: PathBuf,
    /// Last, so that the file is closed when its folder is removed.
    _folder: TempDir,
}

impl TestQueue {
    /// A new queue, at 2026-01-01T00:00:00Z. Failed tasks are retried by [`RetryPolicy::default`] without jitter, unless
    /// their type says otherwise.
    ///
    /// # Errors
    /// [`Error::Unusable`] if no temporary folder can be created; see also
    /// [`QueueBuilder::open`](crate::QueueBuilder::open).
    pub fn new() -> Result<Self> {
        Self::starting_at(START)
    }

    /// A new queue whose clock shows this time at first: see [`TestQueue::new`].
    ///
    /// # Errors
    /// See [`TestQueue::new`].
    pub fn starting_at(time: impl Into<Timestamp>) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("prismq-test-").tempdir().map_err(|error| {
                let reason = format!("no temporary folder could be created: {error}");
                Error::Unusable { path: std::env::temp_dir(), reason }
            })?;
        let clock = Arc::new(ManualClock::new(time.into()));
        let path = folder.path().join("queue.db");
        let queue = Queue::builder(&path)
            .clock(clock.clone())
            .durability(Durability::Normal)
            .retry(RetryPolicy { jitter: 0.0, ..RetryPolicy::default() })
            .open()?;
        Ok(Self { handlers: RefCell::default(), queue, clock, path, _folder: folder })
    }

    /// What the handlers added by what is returned share: [`Context::state`](crate::Context::state).
    pub fn state<S: 'static>(&self, state: S) -> TestHandlers<'_, S> {
        TestHandlers::new(self, state)
    }

    /// The handler of tasks of type `T`, as a worker pool takes it
    /// ([`WorkerPoolBuilder::handle`](crate::WorkerPoolBuilder::handle)); it replaces an earlier one.
    pub fn handle<T: Task>(&self, handler: impl Fn(T, Context) -> TaskResult<T::Output> + 'static) {
        self.state(()).handle(handler);
    }

    /// The handler of tasks of this type as bytes
    /// ([`WorkerPoolBuilder::handle_bytes`](crate::WorkerPoolBuilder::handle_bytes)); it replaces an earlier one.
    pub fn handle_bytes(
        &self,
        task_type: impl Into<Arc<str>>,
        handler: impl Fn(Bytes, Context) -> TaskResult + 'static,
    ) {
        self.state(()).handle_bytes(task_type, handler);
    }

    /// The asynchronous handler of tasks of type `T`: see [`TestHandlers::handle_async`].
    pub fn handle_async<T: Task, R>(&self, handler: impl Fn(T, Context) -> R + 'static)
    where
        R: Future<Output = TaskResult<T::Output>> + 'static,
    {
        self.state(()).handle_async(handler);
    }

    /// The asynchronous handler of tasks of this type as bytes: see [`TestHandlers::handle_async`].
    pub fn handle_bytes_async<R>(
        &self,
        task_type: impl Into<Arc<str>>,
        handler: impl Fn(Bytes, Context) -> R + 'static,
    ) where
        R: Future<Output = TaskResult> + 'static,
    {
        self.state(()).handle_bytes_async(task_type, handler);
    }

    /// The queue's file, to be opened by the application or by another program. It is deleted when this is dropped.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock, to be set back, or to be shared with the application.
    #[must_use]
    pub const fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// The tasks of type `T` that are neither completed, cancelled nor dead, in the order in which they were enqueued.
    #[must_use]
    #[track_caller]
    pub fn enqueued<T: Task>(&self) -> Vec<T> {
        let ended = [State::Completed, State::Cancelled, State::Dead];
        let mut tasks = self.all::<T>();
        tasks.retain(|task| !ended.contains(&task.state));
        tasks.sort_unstable_by_key(|task| task.id);
        let decoded = |task: &TaskInfo| {
            decode(&task.payload).unwrap_or_else(|error| self::run::fail("a task", error.text()))
        };
        tasks.iter().map(decoded).collect()
    }

    /// How many tasks of type `T` are dead.
    #[must_use]
    #[track_caller]
    pub fn dead<T: Task>(&self) -> usize {
        self.all::<T>().iter().filter(|task| task.state == State::Dead).count()
    }

    /// Lets the next transaction of the queue fail with this error when it commits: nothing of it is kept. Transactions
    /// of the application's own are not affected.
    pub fn fail_next_commit(&self, error: Error) {
        if let Ok(engine) = self.queue.core().engine() {
            engine.fail_next_commit(error);
        }
    }

    #[track_caller]
    fn all<T: Task>(&self) -> Vec<TaskInfo> {
        let tasks = self.queue.tasks().of_type(T::TYPE);
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = tasks.list(PAGE_TASKS_MAX, after);
            let page = page.unwrap_or_else(|error| self::run::fail("listing tasks", &error));
            found.extend(page.tasks);
            match page.next {
                Some(next) => after = Some(next),
                None => return found,
            }
        }
    }
}

impl Deref for TestQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

impl fmt::Debug for TestQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestQueue").field("now", &self.now()).finish_non_exhaustive()
    }
}
