//! A VFS before the operating system's own: files on a watched [`Disk`](crate::Disk) go through it, all
//! others past it.
//!
//! It is registered as SQLite's default of this process, so that the queue is tested as it is and needs
//! no hook of its own.
#![expect(unsafe_code, reason = "SQLite's file systems are tables of C functions")]

mod file;

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi::{
    SQLITE_ERROR, SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_JOURNAL,
    SQLITE_OPEN_SUPER_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};

use self::file::{HEADER_BYTES, Opened};
use crate::disk::watched::{disk_of, name_of};
use crate::error::{Error, Result};

/// The operating system's own VFS, which SQLite keeps for the life of the process.
struct Real(*mut sqlite3_vfs);

// SAFETY: SQLite's own VFS is a constant table that it calls from any thread itself.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

static REAL: OnceLock<Result<Real, c_int>> = OnceLock::new();

/// Makes the shim SQLite's default in this process, once.
pub(crate) fn register() -> Result<()> {
    match REAL.get_or_init(put_in_front) {
        Ok(_) => Ok(()),
        Err(code) => Err(Error::Register { code: *code }),
    }
}

fn put_in_front() -> Result<Real, c_int> {
    // SAFETY: a null name asks for the default, which is a constant of SQLite's or null.
    let real = unsafe { sqlite3_vfs_find(ptr::null()) };
    // SAFETY: where it is not null, it points to a table that runs as long as the process.
    let Some(table) = (unsafe { real.as_ref() }) else {
        return Err(SQLITE_ERROR);
    };
    let shim = Box::leak(Box::new(sqlite3_vfs {
        szOsFile: table.szOsFile + HEADER_BYTES,
        pNext: ptr::null_mut(),
        zName: c"prismq-faults".as_ptr(),
        xOpen: Some(open),
        xDelete: Some(delete),
        // All others ask nothing of the table they are called through.
        ..*table
    }));
    // SAFETY: the table is complete and is never freed.
    match unsafe { sqlite3_vfs_register(shim, 1) } {
        SQLITE_OK => Ok(Real(real)),
        code => Err(code),
    }
}

fn real() -> Option<*mut sqlite3_vfs> {
    REAL.get()?.as_ref().ok().map(|real| real.0)
}

/// # Safety
/// `name` is null or a C string that outlives the result.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())))
}

unsafe extern "C" fn open(
    _shim: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(real) = real() else { return SQLITE_ERROR };
    // SAFETY: the table outlives the process; see `put_in_front`.
    let Some(open) = (unsafe { (*real).xOpen }) else { return SQLITE_ERROR };
    // SAFETY: SQLite gives a null or a C string, which runs as long as the file.
    let path = unsafe { path(name) };
    let Some((path, disk)) = path.and_then(|path| Some((path, disk_of(path)?))) else {
        // SAFETY: the arguments are SQLite's own; the space at `file` is larger than the real one needs.
        return unsafe { open(real, name, file, flags, out_flags) };
    };
    let name_in_folder = name_of(path);
    // SAFETY: SQLite allocated `szOsFile` bytes at `file`, which is the header and the real file.
    let behind = unsafe { file::behind(file) };
    // SAFETY: the arguments are SQLite's own but for the place, which has room for the real file.
    let inode =
        disk.open(&name_in_folder, || unsafe { open(real, name, behind, flags, out_flags) });
    // SQLite's own VFS syncs the folder with the first sync of such a file.
    let journal = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    let sync_folder = flags & SQLITE_OPEN_CREATE != 0 && flags & journal != 0;
    let opened = inode.map(|inode| Opened { disk, name: name_in_folder, inode, sync_folder });
    // SAFETY: as above; the real file is open if this one is.
    unsafe { file::put(file, opened) }
}

unsafe extern "C" fn delete(_shim: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let Some(real) = real() else { return SQLITE_ERROR };
    // SAFETY: the table outlives the process.
    let Some(delete) = (unsafe { (*real).xDelete }) else { return SQLITE_ERROR };
    // SAFETY: the arguments are SQLite's own.
    let delete = || unsafe { delete(real, name, sync) };
    // SAFETY: SQLite gives a C string that runs as long as this call.
    match unsafe { path(name) }.and_then(|path| Some((path, disk_of(path)?))) {
        Some((path, disk)) => disk.delete(&name_of(path), sync != 0, delete),
        None => delete(),
    }
}
