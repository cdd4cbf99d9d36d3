//! From which number on claims look for the slots of limits and keys.
//!
//! The numbers of a limit's slots rise, as claims lock the limit before they add some. So there is none before the first
//! that a claim has seen under the lock, or, if it has seen none, before the next number of all. Slots that were deleted
//! stay in the index as long as an old snapshot keeps them, and a look from the first would pass over all of them.

use std::collections::HashMap;

/// How many lines are known at most: beyond that, all slots are looked for from the first again.
const LINES_MAX: usize = 65_536;

/// The numbers before which limits, and the keys of lines, have no slot. The number of a line that was deleted is given
/// again after two billion others.
#[derive(Debug, Default)]
pub(crate) struct FirstSlots {
    of_limits: HashMap<i32, i64>,
    of_lines: HashMap<i32, i64>,
}

impl FirstSlots {
    /// Where looks begin for the slots of these limits.
    pub(crate) fn of_limits(&self, limits: &[i32]) -> Vec<i64> {
        limits.iter().map(|limit| self.of_limits.get(limit).copied().unwrap_or(0)).collect()
    }

    /// Where looks begin for the slots of the keys of these lines.
    pub(crate) fn of_lines(&self, lines: &[i32]) -> Vec<i64> {
        lines.iter().map(|line| self.of_lines.get(line).copied().unwrap_or(0)).collect()
    }

    /// A limit that is locked has no slot before this number.
    pub(crate) fn found_of_limit(&mut self, limit: i32, first: i64) {
        self.of_limits.insert(limit, first);
    }

    /// Nor has the key of a line, whose limit is locked.
    pub(crate) fn found_of_line(&mut self, line: i32, first: i64) {
        if self.of_lines.len() >= LINES_MAX {
            self.of_lines.clear();
        }
        self.of_lines.insert(line, first);
    }

    /// The server may have lost numbers that it had given, and gives them again.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}
