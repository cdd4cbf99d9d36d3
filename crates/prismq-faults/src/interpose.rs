//! The system's `fdatasync` in this program: what the queue syncs itself, apart from SQLite, is a call on a watched
//! [`Disk`](crate::Disk) too.
//!
//! The linker takes this function for the C library's, so that the queue is tested as it is and needs no hook of
//! its own. What SQLite's own file system syncs comes here as well, from within the shim, and is passed on.
#![expect(unsafe_code, reason = "a function of the C library is replaced")]

use std::cell::Cell;
use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::ffi::{SQLITE_IOERR_FSYNC, SQLITE_OK};

use crate::disk::{disk_of, name_of};

thread_local! {
    /// Whether this thread is in a call of the shim, which counts it itself.
    static IN_SHIM: Cell<bool> = const { Cell::new(false) };
}

/// Makes a call of the shim.
pub(crate) fn in_shim<T>(call: impl FnOnce() -> T) -> T {
    let before = IN_SHIM.replace(true);
    let answer = call();
    IN_SHIM.set(before);
    answer
}

/// Syncs a file as the C library does, unless the disk it is on says otherwise.
///
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    let sync = || sync(descriptor);
    let watched = (!IN_SHIM.get())
        .then(|| path_of(descriptor))
        .flatten()
        .and_then(|path| Some((disk_of(&path)?, path)));
    let Some((disk, path)) = watched else { return sync() };
    let answer = disk.sync_by_program(&name_of(&path), || match sync() {
        0 => SQLITE_OK,
        _ => SQLITE_IOERR_FSYNC,
    });
    if answer == SQLITE_OK {
        return 0;
    }
    // SAFETY: the place belongs to this thread.
    unsafe { *libc::__errno_location() = libc::EIO };
    -1
}

fn path_of(descriptor: c_int) -> Option<PathBuf> {
    fs::read_link(Path::new("/proc/self/fd").join(descriptor.to_string())).ok()
}

fn sync(descriptor: c_int) -> c_int {
    // SAFETY: a number is handed to the system; what is not an open descriptor is an error.
    let answer = unsafe { libc::syscall(libc::SYS_fdatasync, descriptor) };
    c_int::try_from(answer).unwrap_or(-1)
}
