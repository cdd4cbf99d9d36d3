//! Reading payloads that a claim left out.

use std::collections::HashMap;
use std::sync::Arc;

use super::Reading;
use crate::engine::postgres::batch::queues::missing;
use crate::engine::postgres::client::Columns;
use crate::model::{Payload, Result, TaskId};

/// The payloads of the first of these tasks, in their order, until they are so many bytes together: that of the first
/// however large. Sizes are read without the payloads.
pub(crate) const PAYLOADS: &str = "WITH s AS MATERIALIZED (
         SELECT k.id, k.place, coalesce(octet_length(t.payload), 0) AS bytes
         FROM unnest($1::bigint[]) WITH ORDINALITY k (id, place) LEFT JOIN prismq.task t ON t.id = ANY (ARRAY[k.id])),
     f AS MATERIALIZED (
         SELECT id, place, sum(bytes) OVER (ORDER BY place) - bytes AS before FROM s)
     SELECT f.id, t.payload FROM f LEFT JOIN prismq.task t ON t.id = ANY (ARRAY[f.id]) WHERE f.before < $2 ORDER BY f.place";

impl Reading<'_> {
    /// The payloads of these tasks, in order, until they are `bytes_max` together; that of the first however large.
    pub(crate) fn payloads(self, ids: &[TaskId], bytes_max: usize) -> Result<Vec<Result<Payload>>> {
        let wanted: Vec<i64> = ids.iter().map(|id| id.as_i64()).collect();
        let bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX).max(1);
        let rows = self.rows(PAYLOADS, &[&wanted, &bytes_max])?;
        let mut read: HashMap<i64, Option<Payload>> = HashMap::with_capacity(rows.len());
        for row in &rows {
            let payload: Option<Vec<u8>> = row.column(1)?;
            let payload = payload.map(|bytes| {
                let range = 0..bytes.len();
                Payload::part(Arc::new(bytes), range)
            });
            read.insert(row.column(0)?, payload);
        }
        let of = |id: &TaskId| read.get(&id.as_i64());
        let parts = ids.iter().map_while(of).cloned();
        let absent = |id: &TaskId| missing(&format!("the payload of task {id}"));
        Ok(parts.zip(ids).map(|(payload, id)| payload.ok_or_else(|| absent(id))).collect())
    }
}
