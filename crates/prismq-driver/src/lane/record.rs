//! The layout of a lane: a header, then records.

use thiserror::Error;

use crate::message::Ending;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of a record.
pub const RECORD_BYTES: usize = 32;
const MAGIC: [u8; 8] = *b"PRISMQLN";

/// Whose lane it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One that enqueues.
    Caller,
    /// One that runs handlers, or settles.
    Worker,
}

/// The header of a lane, which the harness writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its number in the request that named it.
    pub lane: u32,
    /// Whose it is.
    pub role: Role,
}

impl Header {
    /// As it is written.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crate::VERSION.to_le_bytes());
        bytes.extend(self.lane.to_le_bytes());
        bytes.push(match self.role {
            Role::Caller => 1,
            Role::Worker => 2,
        });
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A task was enqueued: called, and known to be stored.
    Enqueued,
    /// A handler ran: begun and ended.
    Run,
    /// An attempt was settled: asked for, and known to be stored.
    Settled,
    /// A task is about to be enqueued.
    Calling,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The task.
    pub token: u64,
    /// When it began, in nanoseconds.
    pub t1: u64,
    /// When it ended, in nanoseconds.
    pub t2: u64,
    /// What it is about.
    pub kind: Kind,
    /// How an attempt was settled.
    pub ending: Option<Ending>,
    /// Which attempt, from 1; 0 if unknown.
    pub attempt: u16,
    /// Of a run: the checksum of its payload.
    pub extra: u32,
}

/// Why a lane cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LaneError {
    /// A record of a kind or ending that does not exist.
    #[error("record {index} has kind {kind} and ending {ending}, which do not exist")]
    Unknown {
        /// Its index in the lane.
        index: u64,
        /// Its kind.
        kind: u8,
        /// Its ending.
        ending: u8,
    },
}

impl Record {
    /// As it is written.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let kind = match self.kind {
            Kind::Enqueued => 1,
            Kind::Run => 2,
            Kind::Settled => 3,
            Kind::Calling => 4,
        };
        let ending = match self.ending {
            None => 0,
            Some(Ending::Completed) => 1,
            Some(Ending::Retried) => 2,
            Some(Ending::Dead) => 3,
        };
        let mut bytes = [0; RECORD_BYTES];
        let fields = [self.token.to_le_bytes(), self.t1.to_le_bytes(), self.t2.to_le_bytes()];
        let [a0, a1] = self.attempt.to_le_bytes();
        let [e0, e1, e2, e3] = self.extra.to_le_bytes();
        let small = [kind, ending, a0, a1, e0, e1, e2, e3];
        let all = fields.as_flattened().iter().chain(&small);
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        bytes
    }

    fn decode(bytes: &[u8; RECORD_BYTES]) -> Result<Self, (u8, u8)> {
        let (words, _) = bytes.as_chunks::<8>();
        let [token, t1, t2, small] = words else { return Err((0, 0)) };
        let [kind, ending, a0, a1, e0, e1, e2, e3] = *small;
        let unknown = Err((kind, ending));
        Ok(Self {
            token: u64::from_le_bytes(*token),
            t1: u64::from_le_bytes(*t1),
            t2: u64::from_le_bytes(*t2),
            kind: match kind {
                1 => Kind::Enqueued,
                2 => Kind::Run,
                3 => Kind::Settled,
                4 => Kind::Calling,
                _ => return unknown,
            },
            ending: match ending {
                0 => None,
                1 => Some(Ending::Completed),
                2 => Some(Ending::Retried),
                3 => Some(Ending::Dead),
                _ => return unknown,
            },
            attempt: u16::from_le_bytes([a0, a1]),
            extra: u32::from_le_bytes([e0, e1, e2, e3]),
        })
    }
}

/// The whole records in these bytes, of which the first is the record with this index of its lane. A record that is
/// not whole, or has kind 0, ends them.
///
/// # Errors
/// [`LaneError`] at a record that cannot be one.
pub fn read(bytes: &[u8], first: u64) -> Result<Vec<Record>, LaneError> {
    let (records, _) = bytes.as_chunks::<RECORD_BYTES>();
    let written = records.iter().take_while(|record| record.get(24).is_some_and(|kind| *kind != 0));
    written
        .zip(first..)
        .map(|(bytes, index)| {
            let unknown = |(kind, ending)| LaneError::Unknown { index, kind, ending };
            Record::decode(bytes).map_err(unknown)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Record = Record {
        token: 0x1234,
        t1: 5,
        t2: 1 << 33,
        kind: Kind::Settled,
        ending: Some(Ending::Dead),
        attempt: 258,
        extra: 0xdead_beef,
    };

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let bytes = RECORD.encode();
        assert_eq!(bytes[24..], [3, 3, 2, 1, 0xef, 0xbe, 0xad, 0xde]);
        assert_eq!(read(&bytes, 0), Ok(vec![RECORD]));
    }

    #[test]
    fn a_lane_ends_at_a_record_that_is_not_whole_or_has_no_kind() {
        let mut bytes = [RECORD.encode(), [0; RECORD_BYTES], RECORD.encode()].concat();
        assert_eq!(read(&bytes, 0), Ok(vec![RECORD]));
        bytes.truncate(RECORD_BYTES + 31);
        assert_eq!(read(&bytes, 0), Ok(vec![RECORD]));
    }

    #[test]
    fn a_record_of_an_unknown_kind_is_refused() {
        let mut bytes = [RECORD.encode(), RECORD.encode()].concat();
        bytes[32 + 24] = 9;
        let unknown = LaneError::Unknown { index: 8, kind: 9, ending: 3 };
        assert_eq!(read(&bytes, 7), Err(unknown));
    }

    #[test]
    fn the_header_names_protocol_lane_and_role() {
        let header = Header { lane: 3, role: Role::Worker }.encode();
        assert_eq!(header.len(), HEADER_BYTES);
        assert_eq!(&header[..17], b"PRISMQLN\x01\0\0\0\x03\0\0\0\x02");
    }
}
