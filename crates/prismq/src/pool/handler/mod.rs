//! Handlers: what they are called with, and running one by the type of its task.
//!
//! There are two kinds, of bytes ([`TaskContext`]) and of typed values ([`Context`]); both run one [`Attempt`], as a call
//! that blocks or as a future. When they run and what becomes of their results is left to the scheduler.

mod attempt;
mod cancel;
mod context;
mod registry;
mod task_context;
#[cfg(feature = "tokio")]
mod watch;

pub(crate) use self::attempt::Attempt;
pub(super) use self::attempt::Host;
pub use self::cancel::CancelReason;
pub(super) use self::cancel::StopFlags;
pub use self::context::Context;
pub(super) use self::registry::{Handler, Registry, Returned, forget_panic};
#[cfg(feature = "tokio")]
pub(super) use self::registry::{RunningHandler, panicked};
pub use self::task_context::TaskContext;
#[cfg(feature = "tokio")]
pub(super) use self::watch::FlagWatch;
