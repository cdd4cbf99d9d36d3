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

/// The payload of a task as bytes, of no type that prismq knows: what a handler of bytes is called with
/// ([`WorkerPoolBuilder::handle_bytes`](crate::WorkerPoolBuilder::handle_bytes)), and the type parameter of a
/// [`NewTask`](crate::NewTask) and of a [`Handle`](crate::Handle) of such a task.
///
/// Cheap to clone: clones share their bytes.
///
/// # Examples
/// ```
/// use prismq::{Bytes, Context, TaskResult};
///
/// fn mail(payload: Bytes, _: Context) -> TaskResult {
///     let address = std::str::from_utf8(&payload)?;
///     Ok(println!("mail to {address}"))
/// }
/// # let _: fn(Bytes, Context) -> TaskResult = mail;
/// ```
#[derive(Clone)]
pub struct Bytes(pub(crate) Payload);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Bytes {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}
