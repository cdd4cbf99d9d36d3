//! The worker pool, as the program that owns it sees it.

mod faults;
mod holding;
mod listeners;
mod running;
mod shutdown;
mod timeouts;

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
