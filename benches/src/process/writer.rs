//! A program that writes to a queue's file without being a queue: it takes the write lock, changes a row to
//! what it was, and holds the lock for a while.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::{Role, Running, listen, say};
use crate::base::error::{Error, Result};

/// How long it waits for the lock itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// How it is to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriterRole {
    /// The database, with the schema of prismq.
    pub path: PathBuf,
    /// How long it holds the lock each time.
    pub held: Duration,
    /// How long it rests in between.
    pub rest: Duration,
}

pub(super) fn run(role: &WriterRole) -> Result<()> {
    let mut connection =
        Connection::open(&role.path).map_err(Error::subject("open the database elsewhere"))?;
    connection.busy_timeout(PATIENCE).map_err(Error::subject("wait for the lock elsewhere"))?;
    let stopped = AtomicBool::new(false);
    let mut times: u64 = 0;
    say(&())?;
    thread::scope(|scope| {
        scope.spawn(|| {
            listen();
            stopped.store(true, Ordering::Relaxed);
        });
        while !stopped.load(Ordering::Relaxed) {
            write(&mut connection, role.held)
                .map_err(Error::subject("write to the database elsewhere"))?;
            times += 1;
            thread::sleep(role.rest);
        }
        Ok::<_, Error>(())
    })?;
    say(&times)
}

fn write(connection: &mut Connection, held: Duration) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE prismq_queue SET keep = keep", [])?;
    thread::sleep(held);
    transaction.commit()
}

/// A program that writes.
#[derive(Debug)]
pub struct Writer {
    running: Running,
}

impl Writer {
    /// Starts it; it has opened the database when this returns.
    ///
    /// # Errors
    /// [`Error::Child`] if it did not get as far.
    pub fn start(role: WriterRole) -> Result<Self> {
        let mut running = Running::start(&Role::Write(role))?;
        running.answer::<()>()?;
        Ok(Self { running })
    }

    /// Stops it; gives back how often it had the lock.
    ///
    /// # Errors
    /// [`Error::Child`] if it does not say.
    pub fn stop(mut self) -> Result<u64> {
        self.running.go_on()?;
        self.running.answer()
    }
}
