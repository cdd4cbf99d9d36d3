//! An open file on a watched disk: a header of ours, and the real file behind it in the same allocation.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::Arc;

use rusqlite::ffi::{
    SQLITE_ERROR, SQLITE_IOERR_SHORT_READ, SQLITE_OK, sqlite3_file, sqlite3_io_methods,
};

use crate::disk::journal::Inode;
use crate::disk::watched::Watched;

/// The state of an open file.
pub(super) struct Opened {
    pub(super) disk: Arc<Watched>,
    pub(super) name: String,
    pub(super) inode: Inode,
    /// Whether the next sync is one of the folder too.
    pub(super) sync_folder: bool,
}

impl Opened {
    fn id(&self) -> (&str, Inode) {
        (&self.name, self.inode)
    }
}

/// What SQLite takes for the file. Its size keeps the real file behind it aligned.
#[repr(C, align(16))]
struct Header {
    base: sqlite3_file,
    opened: *mut Opened,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "sixteen")]
pub(super) const HEADER_BYTES: c_int = size_of::<Header>() as c_int;

/// The first two versions of the table: memory-mapped reads, which the queue does not use, are left out.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Where the real file is.
///
/// # Safety
/// `file` points to `szOsFile` bytes that SQLite allocated for the shim.
pub(super) unsafe fn behind(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the allocation is larger than the header by the size of the real file.
    unsafe { file.cast::<Header>().add(1).cast() }
}

/// Makes a file of the shim of what was opened, or marks it as not open.
///
/// # Safety
/// As [`behind`]; the real file there is open if `opened` is.
pub(super) unsafe fn put(file: *mut sqlite3_file, opened: Result<Opened, c_int>) -> c_int {
    let (methods, opened, answer): (*const sqlite3_io_methods, _, _) = match opened {
        Ok(opened) => (&raw const METHODS, Box::into_raw(Box::new(opened)), SQLITE_OK),
        // Without methods, SQLite does not close it.
        Err(code) => (ptr::null(), ptr::null_mut(), code),
    };
    let header = Header { base: sqlite3_file { pMethods: methods }, opened };
    // SAFETY: the place is large enough and SQLite aligns what it allocates for files.
    unsafe { ptr::write_unaligned(file.cast::<Header>(), header) };
    answer
}

/// What is known of the file, the real file, and the real methods.
///
/// # Safety
/// `file` is one that [`put`] made and that was not closed.
unsafe fn parts<'a>(
    file: *mut sqlite3_file,
) -> (&'a mut Opened, *mut sqlite3_file, &'a sqlite3_io_methods) {
    // SAFETY: `put` wrote a header with a pointer to an `Opened` that runs until `close`, and SQLite
    // uses a file from one thread at a time. The real file behind it is open, so it has methods.
    unsafe {
        let header = ptr::read_unaligned(file.cast::<Header>());
        let real = behind(file);
        (&mut *header.opened, real, &*(*real).pMethods)
    }
}

/// Hands a call to the real file as it is.
macro_rules! pass {
    ($name:ident, $method:ident $(, $argument:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: SQLite calls the methods of files that `put` made, with arguments of its own.
            unsafe {
                let (_, real, methods) = parts(file);
                methods.$method.map_or(SQLITE_ERROR, |method| method(real $(, $argument)*))
            }
        }
    };
}

pass!(file_size, xFileSize, size: *mut i64);
pass!(lock, xLock, level: c_int);
pass!(unlock, xUnlock, level: c_int);
pass!(check_reserved_lock, xCheckReservedLock, reserved: *mut c_int);
pass!(file_control, xFileControl, operation: c_int, argument: *mut c_void);
pass!(sector_size, xSectorSize);
pass!(device_characteristics, xDeviceCharacteristics);
pass!(shm_map, xShmMap, region: c_int, bytes: c_int, extend: c_int, place: *mut *mut c_void);
pass!(shm_lock, xShmLock, offset: c_int, count: c_int, flags: c_int);
pass!(shm_unmap, xShmUnmap, delete: c_int);

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: as `pass`.
    unsafe {
        let (_, real, methods) = parts(file);
        if let Some(barrier) = methods.xShmBarrier {
            barrier(real);
        }
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: as `pass`; SQLite does not use the file any more after this, so what `put` boxed is freed
    // once.
    unsafe {
        let (opened, real, methods) = parts(file);
        let answer = methods.xClose.map_or(SQLITE_ERROR, |close| close(real));
        drop(Box::from_raw(ptr::from_mut(opened)));
        answer
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: as `pass`.
    let (opened, real, methods) = unsafe { parts(file) };
    let Some(read) = methods.xRead else { return SQLITE_ERROR };
    // SAFETY: the arguments are SQLite's own.
    let read = || unsafe { read(real, to, bytes, offset) };
    let (answer, spoiled) = opened.disk.read(&opened.name, read);
    if spoiled && matches!(answer, SQLITE_OK | SQLITE_IOERR_SHORT_READ) {
        let bytes = usize::try_from(bytes).unwrap_or(0);
        // SAFETY: SQLite gave room for this many bytes, and the read above filled
        // all of them.
        let to = unsafe { slice::from_raw_parts_mut(to.cast::<u8>(), bytes) };
        to.iter_mut().skip(bytes / 2).for_each(|byte| *byte = 0);
        return SQLITE_IOERR_SHORT_READ;
    }
    answer
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: as `pass`.
    let (opened, real, methods) = unsafe { parts(file) };
    let Some(write) = methods.xWrite else { return SQLITE_ERROR };
    // SAFETY: SQLite gives this many bytes, and leaves them be during the call.
    let written =
        unsafe { slice::from_raw_parts(from.cast::<u8>(), usize::try_from(bytes).unwrap_or(0)) };
    let place = usize::try_from(offset).unwrap_or(0);
    // SAFETY: the arguments are SQLite's own.
    let write = || unsafe { write(real, from, bytes, offset) };
    opened.disk.write(opened.id(), place, written, write)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: as `pass`.
    let (opened, real, methods) = unsafe { parts(file) };
    let Some(truncate) = methods.xTruncate else { return SQLITE_ERROR };
    // SAFETY: the arguments are SQLite's own.
    let truncate = || unsafe { truncate(real, size) };
    opened.disk.truncate(opened.id(), usize::try_from(size).unwrap_or(0), truncate)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as `pass`.
    let (opened, real, methods) = unsafe { parts(file) };
    let Some(sync) = methods.xSync else { return SQLITE_ERROR };
    // SAFETY: the arguments are SQLite's own.
    let sync = || unsafe { sync(real, flags) };
    let answer = opened.disk.sync(opened.id(), opened.sync_folder, sync);
    if answer == SQLITE_OK {
        opened.sync_folder = false;
    }
    answer
}
