//! The thread that calls the application's listeners: a slow or panicking one costs no worker's time and
//! no lease. Claims stop while [`EVENTS_MAX`](crate::limits::EVENTS_MAX) events wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use super::event::Event;
use super::registry::forget_panic;
use super::{Shared, caller};
use crate::error::Error;

pub(super) type OnEvent = Box<dyn Fn(&Event) + Send>;
pub(super) type OnStop = Box<dyn Fn(&Error) + Send>;

/// What the application wants to hear of.
#[derive(Default)]
pub(super) struct Listeners {
    pub(super) on_event: Option<OnEvent>,
    pub(super) on_stop: Option<OnStop>,
}

impl Listeners {
    pub(super) fn is_empty(&self) -> bool {
        self.on_event.is_none() && self.on_stop.is_none()
    }
}

/// Something to hear of.
#[derive(Debug)]
pub(super) enum Notice {
    Event(Event),
    Stopped(Error),
    /// Nothing more comes.
    End,
}

/// Calls the listeners until the end.
pub(super) fn notify(shared: &Shared, listeners: &Listeners, notices: &Receiver<Notice>) {
    caller::is_notifier(shared);
    for notice in notices {
        match notice {
            Notice::Event(event) => {
                if let Some(on_event) = &listeners.on_event {
                    call("on_event", || on_event(&event));
                }
                if shared.scheduler().event_handled() {
                    shared.signal.raise();
                }
            }
            Notice::Stopped(error) => {
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
        tracing::error!(listener, "the listener of the worker pool panicked");
    }
}
