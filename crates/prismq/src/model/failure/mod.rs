//! How attempts fail: what a handler returns, what is recorded of it, and when the task is tried again.

mod attempt;
mod retry;
mod task_error;

pub use self::attempt::Attempt;
pub(crate) use self::attempt::Failure;
pub use self::retry::RetryPolicy;
pub(crate) use self::task_error::Retry;
pub use self::task_error::{TaskError, TaskResult};
