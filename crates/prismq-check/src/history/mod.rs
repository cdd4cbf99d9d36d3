//! The events of all clients in one order.

mod event;
mod payload;
mod recorder;

use std::collections::HashMap;
use std::io::BufRead;

use crate::error::{Error, Result};

pub use self::event::{Event, Op, Phase};
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

    /// The events up to this time of [`crate::now_ns`], inclusive.
    #[must_use]
    pub fn until(&self, t_mono_ns: u64) -> Self {
        let events = self.events.iter().take_while(|event| event.t_mono_ns <= t_mono_ns);
        Self { events: events.cloned().collect() }
    }

    /// The events of these clients.
    #[must_use]
    pub fn of_actors(&self, is_one: impl Fn(u32) -> bool) -> Self {
        let events = self.events.iter().filter(|event| is_one(event.client_id));
        Self { events: events.cloned().collect() }
    }

    /// The same history as it reads after a power cut that undid, at most, what no later durable
    /// operation had carried to the disk: claims, extensions and releases at its end may not have
    /// happened. All clients must be dead.
    ///
    /// A commit that waits for the disk carries all earlier ones with it, so that a claim is safe once
    /// a durable call that began after its answer was answered.
    #[must_use]
    pub fn after_power_cut(&self) -> Self {
        let mut begun: HashMap<u32, u64> = HashMap::new();
        let mut safe_until = 0;
        for event in &self.events {
            let durable = matches!(event.op, Op::Enqueue | Op::Complete | Op::Fail);
            match event.phase {
                Phase::Invoke => {
                    begun.insert(event.client_id, event.t_mono_ns);
                }
                Phase::Ok if durable => {
                    let begun = begun.get(&event.client_id).copied();
                    safe_until = safe_until.max(begun.unwrap_or(0));
                }
                Phase::Ok | Phase::Fail | Phase::Info => {}
            }
        }
        let events = self.events.iter().map(|event| {
            let light = matches!(event.op, Op::Claim | Op::Extend | Op::Release);
            let undone = light && event.phase == Phase::Ok && event.t_mono_ns >= safe_until;
            Event { phase: if undone { Phase::Info } else { event.phase }, ..event.clone() }
        });
        Self { events: events.collect() }
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

    #[test]
    fn a_power_cut_leaves_open_what_no_later_durable_call_carried() {
        let history = History::new(vec![
            event(1, 1, Op::Claim, Phase::Invoke),
            event(1, 2, Op::Claim, Phase::Ok),
            event(1, 3, Op::Complete, Phase::Invoke),
            event(1, 4, Op::Complete, Phase::Ok),
            event(1, 5, Op::Claim, Phase::Invoke),
            event(1, 6, Op::Claim, Phase::Ok),
        ]);
        let phases: Vec<Phase> =
            history.after_power_cut().events().iter().map(|event| event.phase).collect();
        assert_eq!(phases[1], Phase::Ok);
        assert_eq!(phases[5], Phase::Info);
    }
}
