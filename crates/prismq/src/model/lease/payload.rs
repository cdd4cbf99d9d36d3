//! The bytes of a claimed task.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// The bytes of a task, a slice of a buffer shared with others of its claim: one allocation for all is far cheaper
/// than one each.
#[derive(Clone)]
pub(crate) struct Payload {
    /// `None` until they are read.
    bytes: Option<Arc<Vec<u8>>>,
    range: Range<usize>,
}

impl Payload {
    /// The part of `bytes` in this range.
    pub(crate) const fn part(bytes: Arc<Vec<u8>>, range: Range<usize>) -> Self {
        Self { bytes: Some(bytes), range }
    }

    /// One that is stored out of line and not read yet.
    pub(crate) const fn unread() -> Self {
        Self { bytes: None, range: 0..0 }
    }

    pub(crate) const fn is_unread(&self) -> bool {
        self.bytes.is_none()
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.as_ref().and_then(|bytes| bytes.get(self.range.clone())).unwrap_or_default()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}
