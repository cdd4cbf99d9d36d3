//! The events of all clients in one order.

mod event;
mod payload;
mod recorder;

use std::io::BufRead;

use crate::error::{Error, Result};

pub use self::event::{Event, Op, Phase, Refusal};
pub(crate) use self::payload::key_of_slot;
pub use self::payload::{key_of, payload_of};
pub use self::recorder::{Recorder, now_ns};

/// Events of any number of clients, in the order of the clock they share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    events: Vec<Event>,
}

impl History {
    /// Puts events of any number of clients in order.
    #[must_use]
    pub fn new(mut events: Vec<Event>) -> Self {
        events.sort_by_key(|event| (event.t_mono_ns, event.client_id, event.seq));
        Self { events }
    }

    /// The events that a recorder has kept so far.
    #[must_use]
    pub fn of(recorder: &Recorder) -> Self {
        Self::new(recorder.events())
    }

    /// Reads lines as [`Recorder::to_lines`] writes them. A last line without an end was cut off by the
    /// death of its writer, and is left out.
    ///
    /// # Errors
    /// [`Error::Log`] if reading fails, [`Error::Line`] for a complete line that does not parse.
    pub fn read(mut lines: impl BufRead) -> Result<Self> {
        let mut events = Vec::new();
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            lines.read_until(b'\n', &mut text).map_err(Error::Log)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            events.push(
                serde_json::from_slice(&text).map_err(|source| Error::Line { line, source })?,
            );
        }
        Ok(Self::new(events))
    }

    /// The events in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// This history and another of the same queue.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.events.extend(other.events);
        Self::new(self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(client_id: u32, t_mono_ns: u64, op: Op, phase: Phase) -> Event {
        Event { seq: t_mono_ns, t_mono_ns, ..Event::new(client_id, op, phase) }
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_a_torn_other_line_is_an_error() {
        let whole = serde_json::to_string(&event(1, 5, Op::Claim, Phase::Invoke)).unwrap();
        let torn = format!("{whole}\n{whole}\n{}", &whole[..20]);
        assert_eq!(History::read(torn.as_bytes()).unwrap().events().len(), 2);
        let torn_within = format!("{whole}\n{}\n{whole}\n", &whole[..20]);
        assert!(matches!(History::read(torn_within.as_bytes()), Err(Error::Line { line: 2, .. })));
    }
}
