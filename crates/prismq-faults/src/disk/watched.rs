//! The state of a watched folder, and what the shim does with each call on its files: makes it, or makes it fail, and
//! journals it.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use super::fault::{Call, Effect, Fault};
use super::journal::{Event, Inode, Journal};

/// What the shim sees of a disk.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(super) folder: PathBuf,
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    inodes: HashMap<String, Inode>,
    last_inode: Inode,
    pub(super) journal: Option<Journal>,
    pub(super) armed: Option<Fault>,
    /// Calls since it was armed that it matches.
    pub(super) calls: u64,
    pub(super) injected: u64,
}

static DISKS: Mutex<Vec<Arc<Watched>>> = Mutex::new(Vec::new());

pub(super) fn disks() -> MutexGuard<'static, Vec<Arc<Watched>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk a file is on.
pub(crate) fn disk_of(path: &Path) -> Option<Arc<Watched>> {
    let folder = path.parent()?;
    disks().iter().find(|disk| disk.folder == folder).cloned()
}

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl State {
    /// The file of this name, and whether it was not known.
    pub(super) fn inode(&mut self, name: &str) -> (Inode, bool) {
        if let Some(inode) = self.inodes.get(name) {
            return (*inode, false);
        }
        self.last_inode += 1;
        self.inodes.insert(name.to_owned(), self.last_inode);
        (self.last_inode, true)
    }

    fn record(&mut self, event: Event) {
        if let Some(journal) = &mut self.journal {
            journal.events.push(event);
        }
    }

    /// The effect on this call, if it is to fail.
    fn inject(&mut self, call: Call, name: &str) -> Option<Effect> {
        let fault = self.armed.filter(|fault| fault.matches(call, name))?;
        self.calls += 1;
        if !fault.applies_to(self.calls) {
            return None;
        }
        self.injected += 1;
        Some(fault.effect)
    }
}

impl Watched {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call, unless it is to fail. The lock is held over it, so that the order of the journal is
    /// the order of the disk.
    fn make(
        &self,
        call: Call,
        name: &str,
        make: impl FnOnce() -> i32,
    ) -> (i32, MutexGuard<'_, State>) {
        let mut state = self.state();
        let answer = match state.inject(call, name) {
            None => make(),
            Some(effect) => effect.code(call).unwrap_or_else(|| kill_self()),
        };
        (answer, state)
    }

    /// Opens a file; gives its inode if that succeeded.
    pub(crate) fn open(&self, name: &str, open: impl FnOnce() -> i32) -> Result<Inode, i32> {
        let (answer, mut state) = self.make(Call::Open, name, open);
        if answer != ffi::SQLITE_OK {
            return Err(answer);
        }
        let (inode, new) = state.inode(name);
        if new {
            state.record(Event::Create { name: name.to_owned(), inode });
        }
        Ok(inode)
    }

    /// Reads; the flag is whether the caller must corrupt what was read.
    pub(crate) fn read(&self, name: &str, read: impl FnOnce() -> i32) -> (i32, bool) {
        let mut state = self.state();
        match state.inject(Call::Read, name) {
            None => (read(), false),
            Some(Effect::ShortRead) => (read(), true),
            Some(effect) => {
                if effect == Effect::UnreadableFile {
                    leave_input_output_error();
                }
                (effect.code(Call::Read).unwrap_or_else(|| kill_self()), false)
            }
        }
    }

    pub(crate) fn write(
        &self,
        (name, inode): (&str, Inode),
        offset: usize,
        bytes: &[u8],
        write: impl FnOnce() -> i32,
    ) -> i32 {
        let (answer, mut state) = self.make(Call::Write, name, write);
        if answer == ffi::SQLITE_OK && state.journal.is_some() {
            state.record(Event::Write { inode, offset, bytes: bytes.to_vec() });
        }
        answer
    }

    pub(crate) fn truncate(
        &self,
        (name, inode): (&str, Inode),
        size: usize,
        truncate: impl FnOnce() -> i32,
    ) -> i32 {
        let (answer, mut state) = self.make(Call::Truncate, name, truncate);
        if answer == ffi::SQLITE_OK {
            state.record(Event::Truncate { inode, size });
        }
        answer
    }

    pub(crate) fn sync(
        &self,
        (name, inode): (&str, Inode),
        and_folder: bool,
        sync: impl FnOnce() -> i32,
    ) -> i32 {
        let (answer, mut state) = self.make(Call::Sync, name, sync);
        if answer != ffi::SQLITE_OK {
            state.record(Event::SyncFailed { inode });
            return answer;
        }
        state.record(Event::Sync { inode });
        if and_folder {
            state.record(Event::SyncFolder);
        }
        answer
    }

    pub(crate) fn delete(&self, name: &str, and_folder: bool, delete: impl FnOnce() -> i32) -> i32 {
        let (answer, mut state) = self.make(Call::Delete, name, delete);
        if answer == ffi::SQLITE_OK {
            state.inodes.remove(name);
            state.record(Event::Delete { name: name.to_owned() });
            if and_folder {
                state.record(Event::SyncFolder);
            }
        }
        answer
    }
}

/// Leaves EIO on this thread, as a read does that the system fails: nothing is mapped at address 0.
fn leave_input_output_error() {
    if let Ok(mut memory) = fs::File::open("/proc/self/mem") {
        _ = memory.read(&mut [0]);
    }
}

/// Kills this process at once: nothing is caught, cleaned up or flushed.
fn kill_self() -> ! {
    loop {
        // Its result does not matter: the process is killed, or it is tried again.
        _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
