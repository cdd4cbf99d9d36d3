//! The worker pool, as the program that owns it sees it.

mod busy;
mod clock;
mod drop;
mod events;
mod exactly_once;
mod faults;
mod handlers;
mod idle;
mod lease_loss;
mod leases;
mod listeners;
mod panics;
mod prefetch;
mod prefetch_limit;
mod retry;
mod running;
mod settings;
mod shutdown;
mod shutdown_release;
mod shutdown_timeout;
mod timeouts;
mod wake;
mod wake_by_handle;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than anything takes that is waited for here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where handlers wait until the test lets them go on.
#[derive(Clone)]
struct Gate(Arc<Mutex<Receiver<()>>>);

impl Gate {
    fn new() -> (Sender<()>, Self) {
        let (open, opened) = channel();
        (open, Self(Arc::new(Mutex::new(opened))))
    }

    /// Until one more is let through, or the other end is gone.
    fn pass(&self) {
        _ = self.0.lock().unwrap().recv_timeout(PATIENCE);
    }
}
