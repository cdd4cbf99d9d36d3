//! The log of the library, as a subscriber of a program sees it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Listener = dyn Fn(&str) + Send + Sync;

/// Keeps the message of each event of a level or above, and hands it to a listener first.
#[derive(Clone)]
pub(crate) struct Messages {
    level: Level,
    listener: Arc<Listener>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Messages {
    pub(crate) fn new(level: Level, listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { level, listener: Arc::new(listener), received: Arc::default() }
    }

    /// The messages that this thread logs while it runs the function.
    pub(crate) fn during(self, run: impl FnOnce()) -> Vec<String> {
        tracing::subscriber::with_default(self.clone(), run);
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

impl Subscriber for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        (self.listener)(&message.0);
        self.received.lock().unwrap().push(message.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The field `message` of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
