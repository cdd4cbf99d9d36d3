//! Whether the `-wal` still holds what was committed last: where a program truncates it in place, SQLite goes on behind the
//! gap, and whoever opens the file next finds nothing of what was written since.
//!
//! After a commit, the salts of its last frame are kept, which all frames of the WAL have in common until it is reset.
//! Before the next answer they must still be there, unless the WAL was reset or truncated by a checkpoint, as its header
//! shows. That costs two reads of 8 bytes a commit. The `-wal` may be opened here: SQLite locks only the other two files.
//! Only Unix lets a file that is open be removed, as SQLite does in the end; elsewhere nothing is noticed.

use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes of the WAL's header, of a frame's, and where both have their salts (SQLite's file format, section 4.1).
const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
const HEADER_SALTS: u64 = 16;
const FRAME_SALTS: u64 = 8;
/// The first bytes of a header; the last bit says how checksums are computed.
const MAGIC: u32 = 0x377f_0682;

type Salts = [u8; 8];

/// The `-wal` and its last known frame.
#[derive(Debug)]
pub(super) struct WalMark {
    wal: Option<File>,
    page_bytes: u64,
    last: Mutex<Option<Mark>>,
}

/// A frame that was committed.
#[derive(Debug, Clone, Copy)]
struct Mark {
    place: u64,
    salts: Salts,
}

impl WalMark {
    pub(super) fn open(wal: &Path, page_bytes: u32) -> io::Result<Self> {
        let wal = cfg!(unix).then(|| File::open(wal)).transpose()?;
        Ok(Self { wal, page_bytes: page_bytes.into(), last: Mutex::default() })
    }

    /// Whether commits were lost. `pages` is the length of the WAL after a commit that was just made, if one was.
    pub(super) fn is_lost(&self, pages: Option<u32>) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the new frame is read: it may be of a WAL that was reset in between.
        if last.is_some_and(|mark| self.lacks(mark)) {
            return true;
        }
        let frame = |pages: u32| {
            let before = u64::from(pages.checked_sub(1)?) * (FRAME_HEADER + self.page_bytes);
            let place = HEADER + before + FRAME_SALTS;
            Some(Mark { place, salts: self.read(place)? })
        };
        // Kept where the WAL was truncated by a checkpoint meanwhile: the next commit shows whether it was that.
        if let Some(mark) = pages.and_then(frame) {
            *last = Some(mark);
        }
        false
    }

    /// Whether a frame is gone without a checkpoint.
    fn lacks(&self, mark: Mark) -> bool {
        if self.read(mark.place) == Some(mark.salts) {
            return false;
        }
        // Truncated to nothing, perhaps by a checkpoint. What is written next has a header.
        let Some(salts) = self.read(HEADER_SALTS) else { return false };
        let magic: Option<[u8; 4]> = self.read(0);
        let has_header = magic.is_some_and(|magic| u32::from_be_bytes(magic) & !1 == MAGIC);
        !has_header || salts == mark.salts
    }

    #[cfg(unix)]
    fn read<const BYTES: usize>(&self, place: u64) -> Option<[u8; BYTES]> {
        let mut bytes = [0; BYTES];
        self.wal.as_ref()?.read_exact_at(&mut bytes, place).ok().map(|()| bytes)
    }

    #[cfg(not(unix))]
    fn read<const BYTES: usize>(&self, _: u64) -> Option<[u8; BYTES]> {
        None
    }
}
