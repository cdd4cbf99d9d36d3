//! Handlers: what they are called with, and running one by the type of its task.
//!
//! A handler is called with the value or the bytes of its task and with a [`Context`], for one [`Attempt`], and blocks or
//! returns a future. When it runs and what becomes of its result is left to the scheduler.

mod attempt;
mod call;
mod cancel;
mod context;
mod notes;
mod registry;
#[cfg(feature = "tokio")]
mod watch;

pub(crate) use self::attempt::Attempt;
pub(super) use self::attempt::Host;
#[cfg(feature = "testing")]
pub(super) use self::call::{Input, begin, call, ended};
pub use self::cancel::CancelReason;
pub(super) use self::cancel::StopFlags;
pub use self::context::Context;
pub(super) use self::registry::{Handler, Registry, Returned, forget_panic};
#[cfg(feature = "tokio")]
pub(super) use self::registry::{RunningHandler, panicked};
#[cfg(feature = "tokio")]
pub(super) use self::watch::FlagWatch;
