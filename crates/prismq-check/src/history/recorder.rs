//! Where clients record what they do.
//!
//! In one process events are kept in memory. An client in a process of its own writes each as a line to
//! a pipe at once, so that its parent has it even if the client is killed.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};

use super::event::Event;
use crate::error::{Error, Result};

/// Nanoseconds of the machine's monotonic clock, the same for all its processes.
#[must_use]
pub fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Takes the events of any number of clients. Clones share one recorder.
#[derive(Clone)]
pub struct Recorder {
    sink: Arc<Mutex<Sink>>,
}

enum Sink {
    Memory(Vec<Event>),
    Lines(Box<dyn Write + Send>),
}

impl Recorder {
    /// Keeps events in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { sink: Arc::new(Mutex::new(Sink::Memory(Vec::new()))) }
    }

    /// Writes events as lines of JSON, each call's or answer's in one piece.
    #[must_use]
    pub fn to_lines(out: impl Write + Send + 'static) -> Self {
        Self { sink: Arc::new(Mutex::new(Sink::Lines(Box::new(out)))) }
    }

    /// Records events that belong together.
    ///
    /// # Errors
    /// [`Error::Log`] if the reader of the lines is gone.
    pub fn note(&self, events: Vec<Event>) -> Result<()> {
        match &mut *self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Memory(kept) => kept.extend(events),
            Sink::Lines(out) => {
                let mut lines = Vec::new();
                for event in &events {
                    serde_json::to_writer(&mut lines, event)
                        .map_err(|error| Error::Log(error.into()))?;
                    lines.push(b'\n');
                }
                write(out, &lines).map_err(Error::Log)?;
            }
        }
        Ok(())
    }

    /// The events kept so far; none of a recorder that writes lines.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        match &*self.sink.lock().unwrap_or_else(PoisonError::into_inner) {
            Sink::Memory(kept) => kept.clone(),
            Sink::Lines(_) => Vec::new(),
        }
    }
}

fn write(out: &mut dyn Write, lines: &[u8]) -> io::Result<()> {
    out.write_all(lines)?;
    out.flush()
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
