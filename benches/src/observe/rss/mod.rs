//! The memory this process occupies, now and at its peak while something runs.
//!
//! Read from `statm`, which costs microseconds; `smaps` would cost milliseconds inside timed work.

mod trend;

pub use trend::{Slope, Trend, slope, slope_with_interval};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::base::error::{Error, Result};

const INTERVAL: Duration = Duration::from_millis(5);
const MIB: f64 = 1024.0 * 1024.0;

/// Resident memory in MiB; `None` where the system does not report it.
#[must_use]
pub fn resident_mib() -> Option<f64> {
    memory_stats::memory_stats().map(|stats| mib(stats.physical_mem))
}

/// Resident memory in bytes; `None` where the system does not report it.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    memory_stats::memory_stats().and_then(|stats| u64::try_from(stats.physical_mem).ok())
}

#[expect(clippy::cast_precision_loss, reason = "a rounding of 1 byte in 8 PiB")]
fn mib(bytes: usize) -> f64 {
    bytes as f64 / MIB
}

/// Watches the resident memory from a thread of its own until it is stopped.
#[derive(Debug)]
pub struct PeakWatch {
    stop: Arc<AtomicBool>,
    peak_bits: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl PeakWatch {
    /// Starts to watch.
    ///
    /// # Errors
    /// [`Error::Start`] if no thread can be started.
    pub fn start() -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let peak_bits = Arc::new(AtomicU64::new(resident_mib().unwrap_or(0.0).to_bits()));
        let (stopped, peak) = (stop.clone(), peak_bits.clone());
        let watch = move || {
            while !stopped.load(Ordering::Relaxed) {
                raise(&peak);
                thread::park_timeout(INTERVAL);
            }
        };
        let thread = thread::Builder::new()
            .name("rss-watch".to_owned())
            .spawn(watch)
            .map_err(|source| Error::Start { what: "the memory watch", source })?;
        Ok(Self { stop, peak_bits, thread: Some(thread) })
    }

    /// Stops and returns the peak in MiB; `None` where the system does not report it.
    #[must_use]
    pub fn stop(mut self) -> Option<f64> {
        self.end();
        raise(&self.peak_bits);
        let peak = f64::from_bits(self.peak_bits.load(Ordering::Relaxed));
        (peak > 0.0).then_some(peak)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // After a panic of the watch, the peak is that so far.
            let _ = thread.join();
        }
    }
}

impl Drop for PeakWatch {
    fn drop(&mut self) {
        self.end();
    }
}

fn raise(peak_bits: &AtomicU64) {
    // Bits of non-negative floats are ordered as the floats are.
    if let Some(now) = resident_mib() {
        peak_bits.fetch_max(now.to_bits(), Ordering::Relaxed);
    }
}
