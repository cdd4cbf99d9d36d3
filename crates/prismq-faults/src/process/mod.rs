//! What happens to a process as a whole: a fork of it, and the end of its memory.

mod fork;
mod memory;

pub use self::fork::in_a_fork;
pub use self::memory::limit_sqlite_heap;
