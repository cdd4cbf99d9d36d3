//! Time as the queue sees it, so that a test can hold it in its hand, and waking threads.
//!
//! A clock has two times. Due times, leases and ageing follow the monotonic one, which nobody sets; the wall
//! clock says when a task was enqueued or completed. Nothing here measures durations for statistics.

mod boot;
mod clock;
mod manual;
mod moment;
mod signal;
mod timestamp;

pub(crate) use self::boot::{Anchored, offset};
pub use self::clock::{Clock, SystemClock};
pub use self::manual::ManualClock;
pub(crate) use self::moment::Moment;
pub use self::signal::Signal;
pub use self::timestamp::Timestamp;
