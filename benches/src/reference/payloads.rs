//! A thread that reads the payloads of claimed tasks, where they are stored out of line, while the
//! committing thread goes on.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, OpenFlags};

use crate::base::error::{Error, Result};

/// First and last of tasks that are neighbours.
pub(super) type Range = (i64, i64);

/// Bytes of the file that the thread maps instead of copying.
const MMAP_BYTES: i64 = 1 << 30;
const READ: &str = "read payloads as a reference";

/// The thread. Dropping this ends it.
pub(super) struct Payloads {
    orders: Option<Sender<Range>>,
    answers: Receiver<rusqlite::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Payloads {
    /// Starts it on an open database.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.pragma_update_and_check(None, "mmap_size", MMAP_BYTES, |_| Ok(()))?;
            Ok(connection)
        };
        let connection = open().map_err(Error::subject(READ))?;
        let (orders, ranges) = channel();
        let (answer, answers) = channel();
        let thread = thread::Builder::new()
            .name("raw-payloads".to_owned())
            .spawn(move || {
                while let Ok(range) = ranges.recv() {
                    if answer.send(read(&connection, range)).is_err() {
                        return;
                    }
                }
            })
            .map_err(|source| Error::Start { what: "a reading thread", source })?;
        Ok(Self { orders: Some(orders), answers, thread: Some(thread) })
    }

    /// Lets it read the payloads of these tasks, after those before.
    pub(super) fn read(&self, range: Range) -> Result<()> {
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(range).is_ok());
        if sent { Ok(()) } else { Err(Error::Panicked { what: "a reading thread" }) }
    }

    /// Waits until it has read the first of what it was not yet waited for.
    pub(super) fn wait(&self) -> Result<()> {
        match self.answers.recv() {
            Ok(read) => read.map_err(Error::subject(READ)),
            Err(_) => Err(Error::Panicked { what: "a reading thread" }),
        }
    }
}

impl Drop for Payloads {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(connection: &Connection, (first, last): Range) -> rusqlite::Result<()> {
    let mut payloads = connection
        .prepare_cached("SELECT data FROM prismq_payload WHERE task BETWEEN ?1 AND ?2")?;
    let mut payloads = payloads.query([first, last])?;
    while let Some(row) = payloads.next()? {
        row.get_ref(0)?.as_blob()?;
    }
    Ok(())
}
