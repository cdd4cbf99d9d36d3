//! The statements that take ready tasks.

use std::sync::Arc;

use crate::engine::postgres::client::Value;

use super::leases::{self, Taken};
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::model::{Claim, Result};

/// Leases the ready tasks whose places a select returns. The lease is recorded as a hint of when to look whether it has
/// expired. Tokens are at least those of the connection's epoch: a claim is not waited for, so that a crash of the
/// server may undo it, and a token must not be given again.
macro_rules! lease {
    ($places:literal) => {
        concat!(
            "WITH r AS (DELETE FROM prismq.ready WHERE ctid = ANY (ARRAY(",
            $places,
            ")) RETURNING lane, suspect, order_key, id),
     t AS (UPDATE prismq.task t SET state = 2, attempt = t.attempt + 1, token = greatest(t.token + 1, $6),
               lease_expires_at = $7, begun = (SELECT count(*) FROM r) <= $8 AND NOT (r.suspect AND $9)
           FROM r WHERE t.id = r.id
           RETURNING t.id, t.token, t.attempt, t.max_attempts, t.priority, t.enqueued_at, t.start_by,
               octet_length(t.payload) AS bytes,
               CASE WHEN octet_length(t.payload) <= 1024 THEN t.payload END AS payload,
               r.lane, r.suspect, r.order_key),
     e AS (INSERT INTO prismq.expiry (at, ids)
           SELECT $7, array_agg(id) FROM (SELECT id, row_number() OVER () / 32 AS part FROM t) p GROUP BY part)
     SELECT * FROM t"
        )
    };
}

/// Takes the first tasks of each lane, locked as they are found: those that others are taking are passed over. Of
/// several lanes, more are locked than are taken, until the transaction ends.
pub(crate) const LOCKED: &str = lease!(
    "SELECT place FROM (
         SELECT q.place, q.order_key, q.id FROM unnest($1::integer[]) l (lane) CROSS JOIN LATERAL (
             SELECT ctid AS place, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND NOT suspect AND (order_key, id) > ($2, $3)
             ORDER BY lane, suspect, order_key, id LIMIT $4 FOR UPDATE SKIP LOCKED) q
         UNION ALL
         (SELECT q.place, q.order_key, q.id FROM unnest($1::integer[]) l (lane) CROSS JOIN LATERAL (
             SELECT ctid AS place, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND suspect AND (order_key, id) > ($2, $3)
             ORDER BY lane, suspect, order_key, id LIMIT $5 FOR UPDATE SKIP LOCKED) q
          ORDER BY q.order_key, q.id LIMIT $5)
     ) c ORDER BY order_key, id LIMIT $4"
);

/// Takes the first tasks of all lanes, locking no others. It finds fewer where others are taking the same ones.
pub(crate) const MERGED: &str = lease!(
    "SELECT ctid FROM prismq.ready WHERE ctid = ANY (ARRAY(SELECT place FROM (
         SELECT q.place, q.order_key, q.id FROM unnest($1::integer[]) l (lane) CROSS JOIN LATERAL (
             SELECT ctid AS place, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND NOT suspect AND (order_key, id) > ($2, $3)
             ORDER BY lane, suspect, order_key, id LIMIT $4) q
         UNION ALL
         (SELECT q.place, q.order_key, q.id FROM unnest($1::integer[]) l (lane) CROSS JOIN LATERAL (
             SELECT ctid AS place, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND suspect AND (order_key, id) > ($2, $3)
             ORDER BY lane, suspect, order_key, id LIMIT $5) q
          ORDER BY q.order_key, q.id LIMIT $5)
     ) c ORDER BY order_key, id LIMIT $4)) FOR UPDATE SKIP LOCKED"
);

impl Run<'_, '_> {
    /// Leases the first ready tasks over all lanes, in order.
    pub(super) fn take(
        &mut self,
        claim: &Claim,
        lanes: &[(Lane, Arc<str>)],
        settings: Settings,
    ) -> Result<Vec<Taken>> {
        let ids: Vec<i32> = lanes.iter().map(|(lane, _)| lane.id).collect();
        let first_key = settings.first_key();
        let mut seeks = Vec::with_capacity(3);
        // One lane is locked exactly as it is taken. What others were taking of several is passed over then.
        if ids.len() > 1 {
            seeks.push((MERGED, first_key));
        }
        seeks.push((LOCKED, first_key));
        if first_key > i64::MIN {
            // Keys lie on a ring: those below come last.
            seeks.push((LOCKED, i64::MIN));
        }
        let until = self.now.after(claim.lease);
        let expires_at = until.monotonic.as_micros();
        let begun_max = count(claim.begun_max);
        // A pool records of each suspect when it begins.
        let suspects_begin = claim.begun_max < usize::MAX;
        let mut taken: Vec<Taken> = Vec::new();
        for (sql, from) in seeks {
            let left = count(claim.max.saturating_sub(taken.len()));
            if left == 0 {
                break;
            }
            let suspects = taken.iter().filter(|taken| taken.lease.suspect).count();
            let suspects_left = count(claim.suspects_max.saturating_sub(suspects)).min(left);
            let floor = self.token_floor;
            let params: [&dyn Value; 9] = [
                &ids,
                &from,
                &i64::MIN,
                &left,
                &suspects_left,
                &floor,
                &expires_at,
                &begun_max,
                &suspects_begin,
            ];
            let rows = self.query(sql, &params)?;
            leases::read(self, &rows, lanes, &claim.queue, until, &mut taken)?;
        }
        let rank = |key: i64| key.wrapping_sub(first_key).cast_unsigned();
        taken.sort_unstable_by_key(|taken| (rank(taken.lease.order_key), taken.lease.key.id));
        Ok(taken)
    }
}

fn count(tasks: usize) -> i64 {
    i64::try_from(tasks).unwrap_or(i64::MAX)
}
