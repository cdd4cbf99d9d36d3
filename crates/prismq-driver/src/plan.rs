//! The plan: which tasks there are and when each is due. The index of an entry is the token of its task.

use std::fs;
use std::path::Path;

use thiserror::Error;

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 16;

/// One task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// When it is due, in nanoseconds since the beginning of an open load.
    pub offset_ns: u64,
    /// How long its handler sleeps, in microseconds.
    pub service_us: u32,
    /// How many of its first attempts fail.
    pub fails: u8,
    /// Its priority, 0 first.
    pub priority: u8,
    /// The number of its type.
    pub task_type: u16,
}

impl Entry {
    fn encode(self) -> [u8; ENTRY_BYTES] {
        let [offset, service, task_type] = [
            self.offset_ns.to_le_bytes().to_vec(),
            self.service_us.to_le_bytes().to_vec(),
            self.task_type.to_le_bytes().to_vec(),
        ];
        let bytes = [offset, service, vec![self.fails, self.priority], task_type].concat();
        bytes.try_into().unwrap_or_default()
    }

    fn decode(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let [o0, o1, o2, o3, o4, o5, o6, o7, s0, s1, s2, s3, fails, priority, t0, t1] = *bytes;
        Self {
            offset_ns: u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
            service_us: u32::from_le_bytes([s0, s1, s2, s3]),
            fails,
            priority,
            task_type: u16::from_le_bytes([t0, t1]),
        }
    }
}

/// Why a plan cannot be read.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read the plan {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system answered.
        #[source]
        source: std::io::Error,
    },
    /// It is no sequence of entries.
    #[error("the plan {path} has {bytes} bytes, which is not a multiple of {ENTRY_BYTES}")]
    Length {
        /// The file.
        path: String,
        /// Its length.
        bytes: usize,
    },
}

/// All tasks of a round, by token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    entries: Vec<Entry>,
}

impl Plan {
    /// A plan of these tasks.
    #[must_use]
    pub const fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// If it cannot be read or is not one.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let name = || path.display().to_string();
        let bytes = fs::read(path).map_err(|source| PlanError::Io { path: name(), source })?;
        let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(PlanError::Length { path: name(), bytes: bytes.len() });
        }
        Ok(Self { entries: entries.iter().map(Entry::decode).collect() })
    }

    /// As it is written to a file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.entries.iter().flat_map(|entry| entry.encode()).collect()
    }

    /// The task of a token.
    #[must_use]
    pub fn get(&self, token: u64) -> Option<Entry> {
        self.entries.get(usize::try_from(token).ok()?).copied()
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let entry =
            Entry { offset_ns: 1 << 40, service_us: 7, fails: 2, priority: 9, task_type: 513 };
        let plan = Plan::new(vec![Entry::default(), entry]);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), plan.encode()).unwrap();
        assert_eq!(plan.encode()[16..], [0, 0, 0, 0, 0, 1, 0, 0, 7, 0, 0, 0, 2, 9, 1, 2]);
        assert_eq!(Plan::read(file.path()).unwrap(), plan);
        assert_eq!((plan.get(1), plan.get(2)), (Some(entry), None));
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0; 17]).unwrap();
        let refused = Plan::read(file.path()).unwrap_err().to_string();
        assert!(refused.ends_with("has 17 bytes, which is not a multiple of 16"), "{refused}");
    }
}
