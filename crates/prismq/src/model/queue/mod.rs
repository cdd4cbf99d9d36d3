//! A queue: its settings and its counters.

mod order;
mod retention;
mod stats;

pub(crate) use self::order::KeyInputs;
pub use self::order::Order;
pub(crate) use self::retention::validate_age;
pub use self::retention::{Keep, Retention};
pub use self::stats::{Contention, QueueInfo, QueueStats, RetryInfo, TypeInfo};
