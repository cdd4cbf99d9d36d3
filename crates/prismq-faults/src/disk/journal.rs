//! The journal of a disk: every change in order, enough to derive what a power cut at any moment could leave.

/// A file independent of its name: deleting and creating it again makes another.
pub(crate) type Inode = u32;

/// One change, or a promise that changes are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A new, empty file got a name.
    Create {
        /// The name in its folder.
        name: String,
        /// The file.
        inode: u32,
    },
    /// A name was deleted.
    Delete {
        /// The name in its folder.
        name: String,
    },
    /// A part was written.
    Write {
        /// The file.
        inode: u32,
        /// Where, in bytes.
        offset: usize,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was truncated.
    Truncate {
        /// The file.
        inode: u32,
        /// To this many bytes.
        size: usize,
    },
    /// The device reported that all that was written to the file is durable.
    Sync {
        /// The file.
        inode: u32,
    },
    /// The device reported that the sync failed. What was written so far counts as clean from then on, and no later
    /// sync makes it durable.
    SyncFailed {
        /// The file.
        inode: u32,
    },
    /// The device reported that created and deleted names are durable.
    SyncFolder,
}

/// Every change of a disk since it was watched, and what was on it before.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The files that were there, all durable.
    pub(crate) before: Vec<(String, Inode, Vec<u8>)>,
    /// The changes.
    pub(crate) events: Vec<Event>,
}

impl Journal {
    /// How many events there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.events.len()
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
