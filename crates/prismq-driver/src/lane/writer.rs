//! Writing a lane: records are collected and appended together, and by a thread if nothing follows them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::{MOST_AT_ONCE, RECORD_BYTES, Record};
use crate::message::Records;
use crate::sdk::Output;

/// How long a record may stay with the driver; the protocol allows five times as much.
const FLUSH_AFTER: Duration = Duration::from_millis(20);

/// A lane that is written by one thread, or by several in turn.
#[derive(Debug)]
pub struct Lane {
    path: String,
    at_once: usize,
    output: Output,
    flusher: Arc<Flusher>,
    pending: Mutex<Pending>,
}

#[derive(Debug)]
struct Pending {
    file: File,
    bytes: Vec<u8>,
    room: u64,
    /// Whether the harness was sent an error that it is full.
    is_full: bool,
}

impl Lane {
    /// Opens a lane that takes this many records. What goes wrong later is written to `output`.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn open(
        path: &str,
        room: u64,
        records: Records,
        flusher: &Arc<Flusher>,
        output: &Output,
    ) -> io::Result<Arc<Self>> {
        let file = OpenOptions::new().append(true).open(path)?;
        let at_once = match records {
            Records::Buffered => MOST_AT_ONCE,
            Records::Each => 1,
        };
        let bytes = Vec::with_capacity(at_once * RECORD_BYTES);
        let lane = Arc::new(Self {
            path: path.to_owned(),
            at_once,
            output: output.clone(),
            flusher: flusher.clone(),
            pending: Mutex::new(Pending { file, bytes, room, is_full: false }),
        });
        flusher.watch(&lane);
        Ok(lane)
    }

    /// Writes a record, or keeps it for a moment. A full lane takes nothing more, and the harness is sent one error.
    pub fn write(&self, record: &Record) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(room) = pending.room.checked_sub(1) else {
            let is_known = mem::replace(&mut pending.is_full, true);
            drop(pending);
            if !is_known {
                self.output.error("lane_full", &self.path);
            }
            return;
        };
        pending.room = room;
        pending.bytes.extend(record.encode());
        if pending.bytes.len() >= self.at_once * RECORD_BYTES {
            self.append(&mut pending);
        } else if pending.bytes.len() == RECORD_BYTES {
            drop(pending);
            self.flusher.expect();
        }
    }

    /// Writes what is kept.
    pub fn flush(&self) {
        self.append(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn append(&self, pending: &mut Pending) {
        let Pending { file, bytes, .. } = pending;
        if let Err(error) = file.write_all(bytes) {
            self.output.error("lane_failed", &format!("cannot append to {}: {error}", self.path));
        }
        bytes.clear();
    }
}

/// Opens the lanes of a request.
///
/// # Errors
/// A text for the harness if there are none or one cannot be opened.
pub(crate) fn open_all(
    paths: &[String],
    room: u64,
    records: Records,
    flusher: &Arc<Flusher>,
    output: &Output,
) -> Result<Vec<Arc<Lane>>, String> {
    if paths.is_empty() {
        return Err("the request names no lanes".to_owned());
    }
    let open = |path: &String| {
        Lane::open(path, room, records, flusher, output)
            .map_err(|error| format!("cannot open the lane {path}: {error}"))
    };
    paths.iter().map(open).collect()
}

/// Writes what lanes keep, a moment after the first record was kept. It sleeps while there is none.
#[derive(Debug, Default)]
pub(crate) struct Flusher {
    state: Mutex<State>,
    expected: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lanes: Vec<Weak<Lane>>,
    is_expected: bool,
}

impl Flusher {
    /// Starts its thread, which lasts as long as the process.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(crate) fn start() -> io::Result<Arc<Self>> {
        let flusher = Arc::new(Self::default());
        let own = flusher.clone();
        thread::Builder::new().name("flusher".to_owned()).spawn(move || own.run())?;
        Ok(flusher)
    }

    fn watch(&self, lane: &Arc<Lane>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lanes.retain(|lane| lane.strong_count() > 0);
        state.lanes.push(Arc::downgrade(lane));
    }

    fn expect(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_expected {
            state.is_expected = true;
            self.expected.notify_one();
        }
    }

    fn run(&self) {
        loop {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.expected.wait_while(state, |state| !state.is_expected);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            thread::sleep(FLUSH_AFTER);
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.is_expected = false;
            let lanes: Vec<Arc<Lane>> = state.lanes.iter().filter_map(Weak::upgrade).collect();
            drop(state);
            lanes.iter().for_each(|lane| lane.flush());
        }
    }
}
