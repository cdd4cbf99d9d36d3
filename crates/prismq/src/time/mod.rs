//! Clocks, which a test can replace, and what wakes threads and futures.
//!
//! A clock has two times. Due times, leases and ageing follow its monotonic time, which cannot be set; the wall clock
//! dates enqueues and completions. Durations for statistics are measured elsewhere, by `Instant`.

mod boot;
mod clock;
mod manual;
mod moment;
mod promise;
mod signal;
mod timestamp;

pub(crate) use self::boot::{OffsetClock, offset};
pub use self::clock::{Clock, SystemClock};
pub use self::manual::ManualClock;
pub(crate) use self::moment::Moment;
pub(crate) use self::promise::{Promise, wake};
pub use self::signal::Signal;
pub use self::timestamp::Timestamp;
