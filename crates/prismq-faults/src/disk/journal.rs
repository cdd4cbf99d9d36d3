//! What was asked of a disk, in order: enough to tell what a power cut at any moment could leave.

/// A file as long as it lives, whatever its name: deleting and creating it again makes another.
pub(crate) type Inode = u32;

/// One change, or a promise that changes are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A name was given to a new, empty file.
    Create {
        /// The name in its folder.
        name: String,
        /// The file.
        inode: u32,
    },
    /// A name was taken away.
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
    /// A file was cut.
    Truncate {
        /// The file.
        inode: u32,
        /// To this many bytes.
        size: usize,
    },
    /// The device said that all that was written to the file is durable.
    Sync {
        /// The file.
        inode: u32,
    },
    /// The device said that it failed to make it durable. What was written so far counts as clean from
    /// then on, and no later sync makes it durable.
    SyncFailed {
        /// The file.
        inode: u32,
    },
    /// The device said that names given and taken are durable.
    SyncFolder,
}

/// Everything that was asked of a disk since it was watched, and what was on it before.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The files that were there, all durable.
    pub(crate) before: Vec<(String, Inode, Vec<u8>)>,
    /// What came then.
    pub(crate) events: Vec<Event>,
}

impl Journal {
    /// How many events there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.events.len()
    }

    /// They themselves.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Whether nothing was asked.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
