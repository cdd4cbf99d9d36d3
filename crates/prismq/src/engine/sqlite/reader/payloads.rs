//! Reading payloads that are stored out of line, concurrently with the writer.
//!
//! A payload is read straight into the buffer that it is handed out in, which is used again once no lease holds it:
//! copying, or allocating a fresh buffer, would cost as much as the read.

use std::ops::Range;
use std::sync::Arc;

use rusqlite::blob::Blob;
use rusqlite::{Connection, MAIN_DB, Result};

use crate::engine::READ_BYTES_MAX;
use crate::model::{Payload, TaskId};

/// Looks for a payload.
pub(crate) const HAS_PAYLOAD: &str = "SELECT 1 FROM prismq_payload WHERE task = ?1";

/// Buffers kept to be used again; each holds at most twice [`READ_BYTES_MAX`].
const BUFFERS: usize = 4;

/// Buffers that payloads are read into.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    buffers: Vec<Arc<Vec<u8>>>,
}

impl Payloads {
    /// The payloads of these tasks, in order, until they are `bytes_max` together; that of the first
    /// however large. `None` for a task that has none.
    pub(crate) fn read(
        &mut self,
        connection: &Connection,
        ids: &[TaskId],
        bytes_max: usize,
    ) -> Result<Vec<Option<Payload>>> {
        let mut bytes = self.take();
        let mut end = 0;
        let mut parts: Vec<Option<Range<usize>>> = Vec::with_capacity(ids.len());
        // One transaction for all, as taking the read lock costs as much as a payload does.
        let transaction = connection.unchecked_transaction()?;
        let mut cursor = None;
        for id in ids {
            if end >= bytes_max {
                break;
            }
            let Some(blob) = seek(&transaction, &mut cursor, *id)? else {
                parts.push(None);
                continue;
            };
            let part = end..end + blob.len();
            if bytes.len() < part.end {
                bytes.resize(part.end, 0);
            }
            blob.read_at_exact(bytes.get_mut(part.clone()).unwrap_or_default(), 0)?;
            end = part.end;
            parts.push(Some(part));
        }
        let bytes = self.keep(bytes);
        Ok(parts
            .into_iter()
            .map(|part| part.map(|range| Payload::part(bytes.clone(), range)))
            .collect())
    }

    /// A buffer that no lease holds, or a new one.
    fn take(&mut self) -> Vec<u8> {
        let free = self.buffers.iter().position(|buffer| Arc::strong_count(buffer) == 1);
        free.and_then(|place| Arc::into_inner(self.buffers.swap_remove(place))).unwrap_or_default()
    }

    fn keep(&mut self, bytes: Vec<u8>) -> Arc<Vec<u8>> {
        let worth = bytes.capacity() <= 2 * READ_BYTES_MAX && self.buffers.len() < BUFFERS;
        let bytes = Arc::new(bytes);
        if worth {
            self.buffers.push(bytes.clone());
        }
        bytes
    }
}

/// The payload of a task; `None` if it has none.
fn seek<'a, 'c>(
    connection: &'c Connection,
    cursor: &'a mut Option<Blob<'c>>,
    id: TaskId,
) -> Result<Option<&'a mut Blob<'c>>> {
    let id = id.as_i64();
    let moved = match cursor {
        Some(blob) => blob.reopen(id),
        None => connection
            .blob_open(MAIN_DB, "prismq_payload", "data", id, true)
            .map(|blob| *cursor = Some(blob)),
    };
    if let Err(error) = moved {
        // SQLite has no error of its own for a row that is not there, and the cursor is of no use now.
        *cursor = None;
        if connection.prepare_cached(HAS_PAYLOAD)?.exists([id])? {
            return Err(error);
        }
    }
    Ok(cursor.as_mut())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(sizes: &[usize]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE prismq_payload (task INTEGER PRIMARY KEY, data BLOB NOT NULL)",
            )
            .unwrap();
        for (size, id) in sizes.iter().zip(1..) {
            let data = vec![u8::try_from(id).unwrap(); *size];
            connection.execute("INSERT INTO prismq_payload VALUES (?1, ?2)", (id, data)).unwrap();
        }
        connection
    }

    fn ids(ids: &[i64]) -> Vec<TaskId> {
        ids.iter().copied().map(TaskId::from_i64).collect()
    }

    #[test]
    fn a_missing_payload_does_not_hide_the_others() {
        let connection = connection(&[10, 20]);
        let read = Payloads::default().read(&connection, &ids(&[7, 2, 9, 1]), 1000).unwrap();
        let read: Vec<_> =
            read.iter().map(|part| part.as_ref().map(|part| part.to_vec())).collect();
        assert_eq!(read, [None, Some(vec![2; 20]), None, Some(vec![1; 10])]);
    }

    #[test]
    fn a_read_is_bounded_in_bytes_but_returns_at_least_one_payload() {
        let connection = connection(&[100, 30, 30, 30]);
        let mut payloads = Payloads::default();
        let mut count = |wanted: &[i64]| {
            let read = payloads.read(&connection, &ids(wanted), 50).unwrap();
            read.iter().flatten().map(|part| part.len()).collect::<Vec<_>>()
        };
        assert_eq!(count(&[1, 2, 3]), [100]);
        assert_eq!(count(&[2, 3, 4]), [30, 30]);
    }

    #[test]
    fn a_buffer_is_reused_only_when_no_payload_holds_it() {
        let connection = connection(&[64, 64, 32]);
        let mut payloads = Payloads::default();
        let mut read =
            |id| payloads.read(&connection, &ids(&[id]), 1000).unwrap().remove(0).unwrap();
        let held = read(1);
        let other = read(2);
        assert_eq!((&held[..], &other[..]), (&[1; 64][..], &[2; 64][..]));
        let place = held.as_ptr();
        drop(held);
        let third = read(3);
        assert_eq!((third.as_ptr(), &third[..]), (place, &[3; 32][..]));
        assert_eq!(&other[..], [2; 64]);
    }
}
