//! What handlers note of their tasks, until the leader writes it.
//!
//! A handler may report its progress as often as it likes: of each task, the last is written [`NOTE_DELAY`] after the
//! first, together with what was logged meanwhile, or with the task's result if that comes first. A transaction of
//! notes alone is not synced. So no handler waits for what it notes, and a thousand reports a second cost as much as
//! ten.
//!
//! A handler that completes its task in a transaction of its own writes its notes there. The two must not overlap, or a
//! note would be written by neither or by both: the leader leaves the notes of such a task alone, and the transaction
//! begins when the leader is not writing any.

use std::collections::HashMap;
use std::time::Instant;

use super::super::Scheduler;
use super::settling::Settlement;
use crate::model::limits::{LOG_LINES_MAX, NOTE_DELAY};
use crate::model::{LeaseKey, LogLine, Note};

/// Notes that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    waiting: HashMap<LeaseKey, Note>,
    /// When the oldest of those that the leader writes began to wait.
    since: Option<Instant>,
    /// Tasks whose notes the leader is writing.
    in_flight: Vec<LeaseKey>,
    /// Tasks whose handlers complete them in transactions of their own, which write their notes.
    completing: Vec<LeaseKey>,
}

impl Notes {
    /// When the leader must write those that wait.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + NOTE_DELAY)
    }

    /// Those to be written now: all once they are due, else those of tasks that are being settled. What a handler's own
    /// transaction writes is left to it.
    pub(crate) fn take(&mut self, settle: &[Settlement], now: Instant) -> Vec<(LeaseKey, Note)> {
        if self.waiting.is_empty() {
            self.since = None;
            return Vec::new();
        }
        let settled = settle.iter().map(|settlement| settlement.lease.key);
        let mut taken: Vec<_> = settled.filter_map(|key| self.take_settled(key)).collect();
        if self.due().is_some_and(|due| due <= now) {
            let Self { waiting, completing, .. } = self;
            taken.extend(waiting.extract_if(|key, _| !completing.contains(key)));
        }
        self.clear_since_if_none_is_due();
        self.in_flight = taken.iter().map(|(key, _)| *key).collect();
        taken
    }

    /// The note of a task that is being settled. If its handler completes it at the same time, both write the note: the
    /// lease admits only one of the two.
    fn take_settled(&mut self, key: LeaseKey) -> Option<(LeaseKey, Note)> {
        if self.completing.contains(&key) {
            return self.waiting.get(&key).map(|note| (key, note.clone()));
        }
        self.waiting.remove_entry(&key)
    }

    fn clear_since_if_none_is_due(&mut self) {
        if self.waiting.keys().all(|key| self.completing.contains(key)) {
            self.since = None;
        }
    }

    fn of(&mut self, key: LeaseKey, now: Instant) -> &mut Note {
        if !self.completing.contains(&key) {
            self.since.get_or_insert(now);
        }
        self.waiting.entry(key).or_default()
    }

    /// A note was not written: it waits again, before what was noted since.
    fn put_back(&mut self, key: LeaseKey, note: Note, now: Instant) {
        let waiting = self.of(key, now);
        waiting.progress = waiting.progress.take().or(note.progress);
        let newer = std::mem::replace(&mut waiting.lines, note.lines);
        waiting.lines.extend(newer);
        drop_oldest(&mut waiting.lines);
    }
}

impl Scheduler {
    /// A handler reports how far it has come, or logs lines.
    pub(in crate::pool) fn take_note(&mut self, key: LeaseKey, note: Note, now: Instant) {
        let waiting = self.notes.of(key, now);
        waiting.progress = note.progress.or(waiting.progress.take());
        waiting.lines.extend(note.lines);
        drop_oldest(&mut waiting.lines);
    }

    /// The leader is back from writing notes; those that were not written wait again. Returns whether a handler may
    /// wait for it to complete its task.
    pub(in crate::pool) fn notes_returned(
        &mut self,
        not_written: Vec<(LeaseKey, Note)>,
        now: Instant,
    ) -> bool {
        self.notes.in_flight.clear();
        for (key, note) in not_written {
            self.notes.put_back(key, note, now);
        }
        !self.notes.completing.is_empty()
    }

    /// A handler is about to complete its task in a transaction of its own: the leader leaves the task's notes to it.
    pub(in crate::pool) fn begin_own_completion(&mut self, key: LeaseKey) {
        self.notes.completing.push(key);
        self.notes.clear_since_if_none_is_due();
    }

    /// Whether the leader is not writing notes of this task. The transaction of a handler that is completing it must not
    /// begin before: the leader's write would be refused after it, and be lost.
    pub(in crate::pool) fn notes_are_at_rest(&self, key: LeaseKey) -> bool {
        self.is_stopped() || !self.notes.in_flight.contains(&key)
    }

    /// The transaction of a handler has ended; `completed` if it has written the notes.
    pub(in crate::pool) fn end_own_completion(
        &mut self,
        key: LeaseKey,
        completed: bool,
        now: Instant,
    ) {
        let Notes { waiting, since, completing, .. } = &mut self.notes;
        if let Some(index) = completing.iter().position(|other| *other == key) {
            completing.swap_remove(index);
        }
        if completed {
            waiting.remove(&key);
        } else if waiting.contains_key(&key) {
            since.get_or_insert(now);
        }
    }

    /// What a handler has noted that is not written yet.
    pub(in crate::pool) fn unwritten(&self, key: LeaseKey) -> Option<Note> {
        self.notes.waiting.get(&key).cloned()
    }
}

/// Drops the lines beyond those that are kept with a task.
fn drop_oldest(lines: &mut Vec<LogLine>) {
    lines.drain(..lines.len().saturating_sub(LOG_LINES_MAX));
}
