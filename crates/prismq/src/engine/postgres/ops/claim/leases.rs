//! Leases from the rows of taken tasks.

use std::sync::Arc;

use tokio_postgres::Row;

use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::model::{Lease, LeaseKey, Payload, Result, TaskId};
use crate::time::Moment;

/// A task that was leased, and the size of its payload.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) lease: Lease,
    pub(super) bytes: usize,
}

/// Adds the leases that these rows are. Large payloads are left to be read later.
pub(super) fn read(
    run: &Run<'_, '_>,
    rows: &[Row],
    lanes: &[(Lane, Arc<str>)],
    queue: &Arc<str>,
    until: Moment,
    taken: &mut Vec<Taken>,
) -> Result<()> {
    let mut inline = Vec::new();
    let mut ranges = Vec::with_capacity(rows.len());
    for row in rows {
        let payload: Option<&[u8]> = row.column(8)?;
        let start = inline.len();
        inline.extend_from_slice(payload.unwrap_or_default());
        ranges.push(payload.map(|_| start..inline.len()));
    }
    let inline = Arc::new(inline);
    for (row, range) in rows.iter().zip(ranges) {
        let lane: i32 = row.column(9)?;
        let Some((lane, task_type)) = lanes.iter().find(|(of, _)| of.id == lane) else { continue };
        let note = LeaseNote { database: run.number, lane: lane.id, queue: lane.queue };
        let id = TaskId::from_i64(row.column(0)?);
        let attempt = row.number(2)?;
        // One that has started before need not start in time again.
        let start_by = row.time_if_any(6)?.filter(|_| attempt == 1);
        let lease = Lease {
            key: LeaseKey {
                id,
                token: row.column(1)?,
                limited: lane.is_limited(),
                note: note.into(),
            },
            queue: queue.clone(),
            task_type: task_type.clone(),
            payload: range
                .map_or_else(Payload::unread, |range| Payload::part(inline.clone(), range)),
            priority: row.column(4)?,
            order_key: row.column(11)?,
            attempt,
            max_attempts: row.number(3)?,
            enqueued_at: row.time(5)?,
            claimed_at: run.now.wall,
            expires_at: until,
            suspect: row.column(10)?,
            scheduled_for: row.time_if_any(12)?,
            start_by,
        };
        let bytes: i32 = row.column(7)?;
        taken.push(Taken { lease, bytes: usize::try_from(bytes).unwrap_or(0) });
    }
    Ok(())
}
