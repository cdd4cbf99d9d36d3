//! Which calls fail, when, how often and how.

use rusqlite::ffi;

/// A call that SQLite makes on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Opening a file, which may create it.
    Open,
    /// Reading a part.
    Read,
    /// Writing a part.
    Write,
    /// Truncating a file.
    Truncate,
    /// Waiting for the disk.
    Sync,
    /// Deleting a file.
    Delete,
}

impl Call {
    /// Everything that changes what is on the disk.
    pub const CHANGES: &[Self] = &[Self::Write, Self::Truncate, Self::Sync, Self::Delete];

    const fn input_output_error(self) -> i32 {
        match self {
            Self::Open => ffi::SQLITE_CANTOPEN,
            Self::Read => ffi::SQLITE_IOERR_READ,
            Self::Write => ffi::SQLITE_IOERR_WRITE,
            Self::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            Self::Sync => ffi::SQLITE_IOERR_FSYNC,
            Self::Delete => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The device answers EIO and does nothing.
    InputOutput,
    /// The device answers EIO, as SQLite's own VFS passes it on from a read: most calls report it as damage.
    UnreadableFile,
    /// The device answers ENOSPC and does nothing.
    NoSpace,
    /// A read returns half of the bytes and zeros for the rest.
    ShortRead,
    /// The process is killed (SIGKILL) before the call is made.
    Kill,
}

impl Effect {
    /// SQLite's code for it; `None` for one that does not answer.
    pub(crate) const fn code(self, call: Call) -> Option<i32> {
        match self {
            Self::InputOutput => Some(call.input_output_error()),
            Self::UnreadableFile => Some(ffi::SQLITE_IOERR_CORRUPTFS),
            Self::NoSpace => Some(ffi::SQLITE_FULL),
            Self::ShortRead => Some(ffi::SQLITE_IOERR_SHORT_READ),
            Self::Kill => None,
        }
    }
}

/// How often a fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// The nth call alone.
    Once,
    /// The nth call and all after it.
    Always,
}

/// A fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The kinds of calls that count.
    pub calls: &'static [Call],
    /// How the names of the files end whose calls count: `""` for all, `"-wal"` for the WAL, `".db"` for
    /// the database.
    pub files: &'static str,
    /// Which of the calls from now on is the first to fail; the first is number 1.
    pub nth: u64,
    /// How often.
    pub repeat: Repeat,
    /// How.
    pub effect: Effect,
}

impl Fault {
    pub(crate) fn matches(&self, call: Call, name: &str) -> bool {
        self.calls.contains(&call) && name.ends_with(self.files)
    }

    pub(crate) const fn applies_to(&self, number: u64) -> bool {
        match self.repeat {
            Repeat::Once => number == self.nth,
            Repeat::Always => number >= self.nth,
        }
    }
}
