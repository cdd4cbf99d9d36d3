//! The slots of a pool with asynchronous handlers: tasks of the application's Tokio runtime, in place of the workers'
//! threads.
//!
//! The scheduler knows slots as workers, by their number. What differs is how they wait ([`parked`]), how a handler is
//! run ([`attempt`]), and that the runtime may be shut down before the pool is: the slots are then dropped, their tasks
//! are released by the leader, and the pool ends.

mod attempt;
pub(super) mod parked;
mod slot;

use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;

use super::shared::Shared;
use super::threads;

/// Starts this many slots on a runtime.
pub(super) fn start(shared: &Arc<Shared>, slots: usize, runtime: &Handle) {
    for slot in 0..slots {
        shared.scheduler().thread_started();
        let open = OpenSlot { shared: shared.clone(), has_ended: false };
        let handle = runtime.clone();
        // It ends by itself: nobody waits for the task but by way of the scheduler.
        drop(runtime.spawn(async move {
            slot::run(&open.shared, slot, &handle).await;
            open.end();
        }));
    }
}

/// Counts a slot as ended when dropped.
struct OpenSlot {
    shared: Arc<Shared>,
    /// Whether it ended as the pool did.
    has_ended: bool,
}

impl OpenSlot {
    /// It ends as the pool does.
    fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for OpenSlot {
    fn drop(&mut self) {
        if thread::panicking() {
            threads::stop_as_panicked(&self.shared);
        } else if !self.has_ended {
            // The runtime shuts down. Nothing can run any more: what is held is released.
            self.shared.begin_shutdown();
        }
        self.shared.scheduler().thread_ended();
        self.shared.notify_progress();
    }
}
