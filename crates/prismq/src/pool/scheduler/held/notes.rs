//! What handlers note of their tasks, until the leader writes it.
//!
//! A handler may report its progress as often as it likes: of each task, the last is written [`NOTE_DELAY`] after the
//! first, together with what was logged meanwhile, or with the task's result if that comes first. A transaction of
//! notes alone is not synced. So no handler waits for what it notes, and a thousand reports a second cost as much as
//! ten.

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
    /// When the oldest of them began to wait.
    since: Option<Instant>,
}

impl Notes {
    /// When the leader must write those that wait.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + NOTE_DELAY)
    }

    /// Those to be written now: all once they are due, else those of tasks that are being settled.
    pub(crate) fn take(&mut self, settle: &[Settlement], now: Instant) -> Vec<(LeaseKey, Note)> {
        if self.due().is_some_and(|due| due <= now) {
            self.since = None;
            return self.waiting.drain().collect();
        }
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let keys = settle.iter().map(|settlement| settlement.lease.key);
        let taken = keys.filter_map(|key| self.waiting.remove_entry(&key)).collect();
        if self.waiting.is_empty() {
            self.since = None;
        }
        taken
    }

    fn of(&mut self, key: LeaseKey, now: Instant) -> &mut Note {
        self.since.get_or_insert(now);
        self.waiting.entry(key).or_default()
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

    /// What a handler has noted that is not written yet.
    pub(in crate::pool) fn unwritten(&self, key: LeaseKey) -> Option<Note> {
        self.notes.waiting.get(&key).cloned()
    }

    /// Notes were not written: they wait again, behind what was noted since.
    pub(in crate::pool) fn not_written(&mut self, key: LeaseKey, note: Note, now: Instant) {
        let waiting = self.notes.of(key, now);
        waiting.progress = waiting.progress.take().or(note.progress);
        let newer = std::mem::replace(&mut waiting.lines, note.lines);
        waiting.lines.extend(newer);
        drop_oldest(&mut waiting.lines);
    }
}

/// Drops the lines beyond those that are kept with a task.
fn drop_oldest(lines: &mut Vec<LogLine>) {
    lines.drain(..lines.len().saturating_sub(LOG_LINES_MAX));
}
