//! SQLite's hook that reports the size of the WAL after each commit, through every supported version of rusqlite:
//! setting it takes a shared connection and a function before 0.43, and an exclusive one and a closure from then on.
//!
//! Which of them it is decides the type of [`Connection::wal_hook`]: of the two traits here, the compiler takes the one
//! that is implemented for it ("autoref specialization").
#![allow(dead_code, reason = "one of the two traits is used, depending on the version")]

use std::cell::Cell;
use std::ffi::c_int;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Result};

thread_local! {
    /// Pages in the WAL after the last commit on this thread: the hook has no state, and is called on the thread that
    /// commits.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Has SQLite report the size of the WAL after each commit, instead of its automatic checkpoints.
pub(crate) fn watch_wal(connection: &mut Connection) -> Result<()> {
    let setter = &Setter(Connection::wal_hook);
    setter.set(connection)
}

/// Pages in the WAL after the last commit on this thread.
pub(crate) fn wal_pages() -> u32 {
    WAL_PAGES.get()
}

/// How a connection's hook is set.
struct Setter<S>(S);

trait OfSharedConnection {
    fn set(&self, connection: &mut Connection) -> Result<()>;
}

impl<S: Fn(&Connection, Option<fn(&Wal, c_int) -> Result<()>>)> OfSharedConnection for Setter<S> {
    fn set(&self, connection: &mut Connection) -> Result<()> {
        (self.0)(connection, Some(|_, pages| keep(pages)));
        Ok(())
    }
}

trait OfExclusiveConnection {
    fn set(&self, connection: &mut Connection) -> Result<()>;
}

impl<S> OfExclusiveConnection for &Setter<S>
where
    S: Fn(&mut Connection, Option<fn(&mut Wal, c_int) -> Result<()>>) -> Result<()>,
{
    fn set(&self, connection: &mut Connection) -> Result<()> {
        (self.0)(connection, Some(|_, pages| keep(pages)))
    }
}

fn keep(pages: c_int) -> Result<()> {
    WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
    Ok(())
}
