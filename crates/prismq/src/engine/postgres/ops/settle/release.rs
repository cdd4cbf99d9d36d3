//! Releasing tasks, at once or after a pause, without counting the attempt. A suspect stays one.

use std::collections::HashSet;

use super::{Keys, applied_rows};
use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::queues::{READY, SCHEDULED};
use crate::engine::postgres::batch::run::Run;
use crate::engine::{Answer, Cancelled, Operation};
use crate::model::{LeaseKey, Result};

/// Puts tasks back. One with a time to live has not started, and is looked at again.
pub(crate) const RELEASE: &str = "WITH t AS (UPDATE prismq.task t SET
         state = (k.until IS NOT NULL)::integer, run_at = coalesce(k.until, t.run_at), attempt = t.attempt - 1,
         lease_expires_at = NULL
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) k (id, token, until)
         WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, t.lane, t.line, t.suspect, t.order_key, t.start_by, k.until),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), suspect, order_key, id FROM t WHERE until IS NULL),
     s AS (INSERT INTO prismq.scheduled (run_at, id) SELECT until, id FROM t WHERE until IS NOT NULL),
     d AS (INSERT INTO prismq.deadline (at, id) SELECT start_by, id FROM t WHERE start_by IS NOT NULL
           ON CONFLICT DO NOTHING)
     SELECT id, token, lane, CASE WHEN until IS NULL THEN order_key END FROM t";
/// The column of the lane, before that of the key.
const PLACE: usize = 2;

/// Puts the tasks of these operations back; an answer for each.
pub(crate) fn release(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let keys = Keys::ended_by(run, group);
    let now = run.now.monotonic;
    let until = |place: usize| match group.get(place) {
        Some(Operation::Defer { pause, .. }) => Some(now.after(*pause).as_micros()),
        _ => None,
    };
    let ids = keys.ids();
    let untils = keys.column(|place, _| until(place));
    let rows = run.end_leases(RELEASE, &[&ids, &keys.tokens(), &untils])?;
    run.add_ready(&rows, PLACE)?;
    let applied = applied_rows(&rows)?;
    for (place, key) in keys.column(|place, key| (place, *key)) {
        if applied.contains(&(key.id.as_i64(), key.token)) {
            run.count_put_back(&key, until(place).is_some());
        }
    }
    keys.free_slots(run, &applied);
    let cancelled: HashSet<i64> = run.end_requested(&ids)?;
    Ok(keys.answers(run, &applied, |_, key| match cancelled.contains(&key.id.as_i64()) {
        true => Answer::Cancelled(Cancelled { ended: 1, requested: Vec::new() }),
        false => Answer::Released,
    }))
}

impl Run<'_, '_> {
    /// Releases leases that this transaction has just taken.
    pub(crate) fn put_back(&mut self, keys: &[LeaseKey]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = keys.iter().map(|key| key.id.as_i64()).collect();
        let tokens: Vec<i64> = keys.iter().map(|key| key.token).collect();
        let untils: Vec<Option<i64>> = vec![None; keys.len()];
        let rows = self.query(RELEASE, &[&ids, &tokens, &untils])?;
        self.add_ready(&rows, PLACE)?;
        for key in keys {
            self.count_put_back(key, false);
            if key.limited {
                self.limits.left_lease(key.id.as_i64());
            }
        }
        Ok(())
    }

    fn count_put_back(&mut self, key: &LeaseKey, later: bool) {
        let counters = self.counters.of(LeaseNote::from(key.note).queue);
        counters.leased -= 1;
        counters.count(if later { SCHEDULED } else { READY }, 1);
    }
}
