//! The thread that calls the application's listeners: a slow or panicking listener costs no worker's time and
//! no lease. That claims stop while it is far behind is decided by the scheduler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use super::caller;
use crate::model::Error;
use crate::pool::event::Event;
use crate::pool::handler::forget_panic;
use crate::pool::shared::{Notice, Shared};

pub(super) type OnEvent = Box<dyn Fn(&Event) + Send>;
pub(super) type OnStop = Box<dyn Fn(&Error) + Send>;

/// The listeners that the application has set.
#[derive(Default)]
pub(in crate::pool) struct Listeners {
    pub(in crate::pool) on_event: Option<OnEvent>,
    pub(in crate::pool) on_stop: Option<OnStop>,
}

impl Listeners {
    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.on_event.is_none() && self.on_stop.is_none()
    }
}

/// Calls the listeners until the pool ends.
pub(super) fn run(shared: &Shared, listeners: &Listeners, notices: &Receiver<Notice>) {
    caller::register_notifier(shared);
    for notice in notices {
        match notice {
            Notice::Event(event) => {
                if let Some(on_event) = &listeners.on_event {
                    call("on_event", || on_event(&event));
                }
                if shared.scheduler().event_handled() {
                    shared.leader_signal.raise();
                }
            }
            Notice::Fault(error) => {
                if let Some(on_stop) = &listeners.on_stop {
                    call("on_stop", || on_stop(&error));
                }
            }
            Notice::End => break,
        }
    }
}

fn call(listener: &str, run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        forget_panic(panic);
        tracing::error!(listener, "worker pool listener panicked: the pool goes on");
    }
}
