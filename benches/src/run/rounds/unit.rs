//! The unit of what Criterion follows.

/// What Criterion is shown, as it prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Instructions, which are counted and not timed.
    Instructions,
    /// Bytes, likewise.
    Bytes,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Time, Self::Instructions, Self::Bytes];
}
