//! A task to be enqueued, and the number in its payload.

/// The queue that every subject has.
pub const DEFAULT_QUEUE: &str = "default";
/// The priority of a task that is not given another.
pub const DEFAULT_PRIORITY: i32 = 100;

/// A task to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSpec {
    /// The queue it goes to.
    pub queue: &'static str,
    /// Its priority, lower numbers first.
    pub priority: i32,
    /// Decides which handler runs it.
    pub task_type: &'static str,
    /// Bytes for the handler; the first eight are the task's number, see [`payload`].
    pub payload: Vec<u8>,
    /// Attempts it is given.
    pub max_attempts: u32,
}

/// The payload of the task with this number, of this many bytes and at least eight: the number in little endian,
/// then filler.
#[must_use]
pub fn payload(number: u64, bytes: usize) -> Vec<u8> {
    let mut payload = number.to_le_bytes().to_vec();
    payload.resize(bytes.max(payload.len()), 0x5a);
    payload
}

/// The number in a [`payload`].
#[must_use]
pub fn number_of(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().copied().map(u64::from_le_bytes)
}
