//! The lanes of a request, followed while they are written.

use std::collections::HashMap;
use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::lane::{HEADER_BYTES, Header, Kind, RECORD_BYTES, Record, Role, read};

use super::error::{DriverError, Result};
use super::memory::Memory;

/// The lanes of one request.
#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<Lane>,
    capacity: u64,
    slowest: Duration,
    /// How many records of each kind were read.
    counts: HashMap<Kind, u64>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Lane {
    memory: Memory,
    records: Vec<Record>,
}

impl Lanes {
    /// So many lanes, each for so many records.
    ///
    /// # Errors
    /// [`DriverError::Memory`].
    pub fn new(role: Role, count: u32, capacity: u64) -> Result<Self> {
        let lane = |lane| {
            let memory = Memory::new(&Header { lane, role }.encode())?;
            Ok(Lane { memory, records: Vec::new() })
        };
        let lanes = (0..count).map(lane).collect::<Result<_>>()?;
        Ok(Self {
            lanes,
            capacity,
            slowest: Duration::ZERO,
            counts: HashMap::new(),
            bytes: Vec::new(),
        })
    }

    /// The paths that a request names.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.lanes.iter().map(|lane| lane.memory.path()).collect()
    }

    /// How many records each takes.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Reads what was written since the last time, and returns how many records that were. Of those beyond the
    /// capacity one is read, which shows that there are some.
    ///
    /// # Errors
    /// [`DriverError::Lane`] at what is no record.
    pub fn poll(&mut self) -> Result<usize> {
        let mut found = 0;
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let known = lane.records.len();
            let position = u64::try_from(HEADER_BYTES + known * RECORD_BYTES).unwrap_or(u64::MAX);
            let failed = |source| DriverError::Memory { action: "read", source };
            let first = u64::try_from(known).unwrap_or(u64::MAX);
            let record = u64::try_from(RECORD_BYTES).unwrap_or(u64::MAX);
            let most = self.capacity.saturating_add(1).saturating_sub(first).saturating_mul(record);
            lane.memory.read_from(position, most, &mut self.bytes).map_err(failed)?;
            let records = read(&self.bytes, first)
                .map_err(|source| DriverError::Lane { lane: number, source })?;
            let seen = now();
            // The first of each reading was there longest.
            let oldest = records.iter().filter(|record| record.kind != Kind::Calling).map(|r| r.t2);
            if let Some(oldest) = oldest.min() {
                let waited = Duration::from_nanos(seen.saturating_sub(oldest));
                self.slowest = self.slowest.max(waited);
            }
            found += records.len();
            for record in &records {
                *self.counts.entry(record.kind).or_default() += 1;
            }
            lane.records.extend(records);
        }
        Ok(found)
    }

    /// The longest that a record was seen after its time; it includes the time between two polls.
    #[must_use]
    pub const fn slowest(&self) -> Duration {
        self.slowest
    }

    /// All records that were read, lane by lane.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.lanes.iter().flat_map(|lane| &lane.records)
    }

    /// The records of each lane.
    pub fn by_lane(&self) -> impl Iterator<Item = &[Record]> {
        self.lanes.iter().map(|lane| lane.records.as_slice())
    }

    /// How many records of this kind were read.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn a_lane_is_read_to_its_capacity_and_one_beyond_however_long_it_was_made() {
        let mut lanes = Lanes::new(Role::Caller, 1, 2).unwrap();
        let lane = OpenOptions::new().write(true).open(&lanes.paths()[0]).unwrap();
        let record = Record {
            token: 1,
            t1: 1,
            t2: 2,
            kind: Kind::Calling,
            ending: None,
            attempt: 0,
            extra: 0,
        };
        let header = u64::try_from(HEADER_BYTES).unwrap();
        lane.write_all_at(&[record.encode(); 4].concat(), header).unwrap();
        lane.set_len(1 << 62).unwrap();
        assert_eq!(lanes.poll().unwrap(), 3);
        assert_eq!(lanes.poll().unwrap(), 0);
    }
}
