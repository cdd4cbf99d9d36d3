//! The statements that take ready tasks.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::postgres::client::Value;
use crate::engine::postgres::clock::Time;

use super::leases::{self, Taken};
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::shared::Shared;
use crate::model::{Claim, Order, Result};

/// Leases the ready tasks whose places a select returns. The lease is recorded as a hint of when to look whether it has
/// expired. Tokens are at least the lowest of the session: a claim is not waited for, so that a crash of the
/// server may undo it, and a token must not be given again.
macro_rules! lease {
    ($places:expr) => {
        lease!("", $places, "$7", "", "", "SELECT * FROM t")
    };
    ($first:expr, $places:expr, $expires_at:literal, $begins:literal, $counts:expr, $rows:expr) => {
        concat!(
            "WITH ",
            $first,
            "r AS (DELETE FROM prismq.ready WHERE ctid = ANY (ARRAY(",
            $places,
            ")) RETURNING lane, suspect, order_key, id),
     t AS (UPDATE prismq.task t SET state = 2, attempt = t.attempt + 1, token = greatest(t.token + 1, $6),
               lease_expires_at = ",
            $expires_at,
            ", begun = (SELECT count(*) FROM r) <= $8 AND NOT (r.suspect AND $9)",
            $begins,
            "
           FROM r WHERE t.id = ANY (ARRAY[r.id])
           RETURNING t.id, t.token, t.attempt, t.max_attempts, t.priority, t.enqueued_at, t.start_by,
               octet_length(t.payload) AS bytes,
               CASE WHEN octet_length(t.payload) <= 1024 THEN t.payload END AS payload,
               t.lane, r.suspect, r.order_key, t.scheduled_for),
     e AS (INSERT INTO prismq.expiry (at, ids)
           SELECT ",
            $expires_at,
            ", array_agg(id) FROM (SELECT id, row_number() OVER () / 32 AS part FROM t) p GROUP BY part)",
            $counts,
            " ",
            $rows
        )
    };
}
pub(super) use lease;

/// The first tasks of lanes, locked as they are found. Of several lanes, more are locked than are taken, until the
/// transaction ends.
macro_rules! locked {
    ($lanes:literal) => {
        concat!(
            "SELECT place FROM (
         SELECT q.place, q.order_key, q.id FROM unnest(",
            $lanes,
            ") l (lane) CROSS JOIN LATERAL (
             SELECT ctid AS place, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND NOT suspect AND (order_key, id) > ($2, $3)
             ORDER BY lane, suspect, order_key, id LIMIT $4 FOR UPDATE SKIP LOCKED) q
         UNION ALL
         (SELECT q.place, q.order_key, q.id FROM unnest(",
            $lanes,
            ") l (lane) CROSS JOIN LATERAL (
             SELECT ctid AS place, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND suspect AND order_key >= $10
             ORDER BY lane, suspect, order_key, id LIMIT $5 FOR UPDATE SKIP LOCKED) q
          ORDER BY q.order_key, q.id LIMIT $5)
     ) c ORDER BY order_key, id LIMIT $4"
        )
    };
}
pub(super) use locked;

/// Those of several lanes: the first of all, locking no others, unless somebody else holds one of these. Then all lanes
/// are locked as one is, as others may be behind those.
macro_rules! merged {
    ($lanes:literal) => {
        concat!(
            "WITH first AS MATERIALIZED (SELECT ARRAY(SELECT place FROM (
                 SELECT q.place, q.order_key, q.id FROM unnest(",
            $lanes,
            ") l (lane) CROSS JOIN LATERAL (
                     SELECT ctid AS place, order_key, id FROM prismq.ready
                     WHERE lane = l.lane AND NOT suspect AND (order_key, id) > ($2, $3)
                     ORDER BY lane, suspect, order_key, id LIMIT $4) q
                 UNION ALL
                 (SELECT q.place, q.order_key, q.id FROM unnest(",
            $lanes,
            ") l (lane) CROSS JOIN LATERAL (
                     SELECT ctid AS place, order_key, id FROM prismq.ready
                     WHERE lane = l.lane AND suspect AND order_key >= $10
                     ORDER BY lane, suspect, order_key, id LIMIT $5) q
                  ORDER BY q.order_key, q.id LIMIT $5)
             ) c ORDER BY order_key, id LIMIT $4) AS places),
             held AS MATERIALIZED (SELECT ARRAY(
                 SELECT ctid FROM prismq.ready WHERE ctid = ANY ((SELECT places FROM first)::tid[])
                 FOR UPDATE SKIP LOCKED) AS places)
             SELECT unnest(CASE
                 WHEN (SELECT cardinality(places) FROM held) = (SELECT cardinality(places) FROM first)
                 THEN (SELECT places FROM held)
                 ELSE ARRAY(",
            locked!($lanes),
            ") END)"
        )
    };
}
pub(super) use merged;

/// Counts the tasks that were leased.
macro_rules! counts {
    () => {
        ", c AS (INSERT INTO prismq.counter_delta (queue, ready, leased)
           SELECT $11, -count(*), count(*) FROM t HAVING count(*) > 0)"
    };
}
pub(super) use counts;

/// What is written with the lease where the transaction does nothing else: tasks that had to start earlier and have not,
/// and are released afterwards, do not begin; and the queue's counters.
macro_rules! lease_and_count {
    ($places:expr) => {
        lease!(
            "",
            $places,
            "$7",
            " AND (t.start_by IS NULL OR t.attempt > 0 OR t.start_by > $12)",
            counts!(),
            "SELECT * FROM t"
        )
    };
}

/// Takes the first tasks of one lane, locked as they are found: those that others are taking are passed over.
pub(crate) const OF_ONE: &str = lease!(locked!("$1::integer[]"));
/// The same, where the transaction does nothing else.
pub(crate) const OF_ONE_AND_COUNTED: &str = lease_and_count!(locked!("$1::integer[]"));
/// Takes the first tasks of several lanes: those that others are taking are passed over.
pub(crate) const OF_SEVERAL: &str = lease!(merged!("$1::integer[]"));
/// The same, where the transaction does nothing else.
pub(crate) const OF_SEVERAL_AND_COUNTED: &str = lease_and_count!(merged!("$1::integer[]"));

/// How many parameters [`OF_ONE`] and [`OF_SEVERAL`] take; those that also count take the queue and the time as well.
const LEASE_PARAMS: usize = 10;

/// Records that attempts have not begun.
pub(crate) const UNBEGIN: &str = "UPDATE prismq.task SET begun = false WHERE id = ANY ($1)";

impl Run<'_, '_> {
    /// Leases the first ready tasks over all lanes, in order, `max` at most.
    pub(super) fn take(
        &mut self,
        claim: &Claim,
        max: usize,
        lanes: &[(Lane, Arc<str>)],
        settings: Settings,
    ) -> Result<Vec<Taken>> {
        let ids: Vec<i32> = lanes.iter().map(|(lane, _)| lane.id).collect();
        let first_key = settings.first_key();
        // Keys of other orders lie on a ring.
        let is_ring = first_key > i64::MIN;
        let is_marked = may_begin_later(self.shared, settings);
        let mut leased = self.autocommit.take();
        let mark = match &leased {
            Some(leased) => leased.mark,
            None if is_marked => {
                self.begin_look(&ids);
                self.shared.marks().after(&ids, Instant::now())
            }
            None => None,
        };
        // In a ring, those below the first key come last.
        let below = is_ring.then_some((i64::MIN, i64::MIN));
        let seeks = mark.into_iter().chain([(first_key, i64::MIN)]).chain(below);
        // No seek follows the first, as what is before the mark is left.
        let is_last_seek = !is_ring && (mark.is_none() || claim.may_leave_ready);
        let commits = is_last_seek && self.needs_only_claim(settings);
        let (take, take_and_count) = match lanes {
            [_] => (OF_ONE, OF_ONE_AND_COUNTED),
            _ => (OF_SEVERAL, OF_SEVERAL_AND_COUNTED),
        };
        let now = self.now.monotonic.as_micros();
        let until = self.now.after(claim.lease);
        let expires_at = until.monotonic.as_micros();
        // A pool records of each suspect when it begins.
        let suspects_begin = claim.begun_max < usize::MAX;
        let mut taken: Vec<Taken> = Vec::new();
        let mut begun = Begun { most: claim.begun_max, begun: 0, taken: 0 };
        for (key, id) in seeks {
            let left = count(max.saturating_sub(taken.len()));
            if left == 0 {
                break;
            }
            // What is before the mark is looked for later.
            let is_spared = mark.is_some() && mark != Some((key, id));
            if is_spared && (!taken.is_empty() || claim.may_leave_ready) {
                let ends_in = self.shared.marks().ends_in(&ids, self.began);
                // Forgotten meanwhile by a transaction of the application's: at once.
                self.spared_look = Some(ends_in.unwrap_or_default());
                break;
            }
            let suspects = taken.iter().filter(|taken| taken.lease.suspect).count();
            let suspects_left = count(claim.suspects_max.saturating_sub(suspects)).min(left);
            let begun_max = count(begun.left());
            let floor = self.token_floor;
            // Suspects are few, and apart in the index: a mark says nothing of those that could not be taken.
            let suspects_from = if mark == Some((key, id)) { i64::MIN } else { key };
            let params: [&dyn Value; 12] = [
                &ids,
                &key,
                &id,
                &left,
                &suspects_left,
                &floor,
                &expires_at,
                &begun_max,
                &suspects_begin,
                &suspects_from,
                &settings.id,
                &now,
            ];
            let (rows, took) = match (leased.take(), commits) {
                (Some(leased), _) => (leased.rows, Some(leased.took)),
                (None, true) => (self.query_and_commit(take_and_count, &params)?, self.took(1, 0)),
                (None, false) => {
                    let params = params.get(..LEASE_PARAMS).unwrap_or_default();
                    (self.query(take, params)?, self.took(1, 0))
                }
            };
            if is_marked
                && mark != Some((key, id))
                && let Some(took) = took
            {
                let found = rows.len();
                self.shared.marks().looked(&ids, (took, found), Instant::now());
            }
            leases::read(self, &rows, lanes, &claim.queue, until, &mut taken)?;
            begun.took(taken.len());
        }
        let first = taken.iter().take(begun.too_many());
        let begun: Vec<i64> = first.map(|taken| taken.lease.key.id.as_i64()).collect();
        if !begun.is_empty() {
            self.execute(UNBEGIN, &[&begun])?;
        }
        let rank = |key: i64| key.wrapping_sub(first_key).cast_unsigned();
        taken.sort_unstable_by_key(|taken| (rank(taken.lease.order_key), taken.lease.key.id));
        if is_marked {
            let place = |Taken { lease, .. }: &Taken| (lease.order_key, lease.key.id.as_i64());
            let last = taken.iter().rfind(|taken| !taken.lease.suspect).map(place);
            let (mut marks, now) = (self.shared.marks(), Instant::now());
            match last {
                last if taken.len() < max => marks.took_all(&ids, last, now),
                Some(last) => marks.took_some(&ids, last, now),
                None => {}
            }
        }
        Ok(taken)
    }
}

/// Whether claims from a queue may begin to look after what they took before.
pub(super) fn may_begin_later(shared: &Shared, settings: Settings) -> bool {
    // Keys on a ring may lie before those that were taken earlier. Where the last come first, all that others add is
    // before a mark; and a clock that was given may stand still.
    settings.first_key() == i64::MIN
        && settings.order != Order::LastInFirstOut
        && !has_given_clock(shared)
}

/// Whether the time is that of a clock that was given.
pub(super) const fn has_given_clock(shared: &Shared) -> bool {
    matches!(shared.time, Time::Given(_))
}

impl Run<'_, '_> {
    /// Whether a claim from this queue is all that the transaction has to do, but for its counters.
    fn needs_only_claim(&self, settings: Settings) -> bool {
        self.is_claim
            && self.due_holds
            // Its virtual time follows the tasks that are taken.
            && settings.order != Order::WeightedRandom
            && settings.concurrency.is_none()
            && self.counters.is_empty()
            && !self.limits.has_changes()
    }
}

/// Of the tasks that the statements of a claim take, all begin at once or none: each statement begins its own if they
/// are few enough.
#[derive(Debug)]
struct Begun {
    /// Most that may begin at once.
    most: usize,
    begun: usize,
    taken: usize,
}

impl Begun {
    /// How many the next statement may begin.
    const fn left(&self) -> usize {
        self.most.saturating_sub(self.taken)
    }

    /// So many tasks were taken up to now.
    const fn took(&mut self, taken: usize) {
        self.taken = taken;
        if taken <= self.most {
            self.begun = taken;
        }
    }

    /// How many of the first have begun although all together are too many.
    const fn too_many(&self) -> usize {
        if self.taken > self.most { self.begun } else { 0 }
    }
}

pub(super) fn count(tasks: usize) -> i64 {
    i64::try_from(tasks).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the tasks of these statements have begun too early.
    fn too_many(most: usize, statements: &[usize]) -> usize {
        let mut begun = Begun { most, begun: 0, taken: 0 };
        statements.iter().for_each(|taken| begun.took(begun.taken + taken));
        begun.too_many()
    }

    #[test]
    fn the_tasks_of_a_claim_begin_all_at_once_or_none() {
        assert_eq!(too_many(2, &[1, 1]), 0);
        assert_eq!(too_many(1, &[1, 1]), 1);
        assert_eq!(too_many(2, &[2, 0, 1]), 2);
        // None of these has begun.
        assert_eq!(too_many(1, &[2, 1]), 0);
        assert_eq!(too_many(usize::MAX, &[1, 500]), 0);
    }

    #[test]
    fn a_statement_may_begin_what_earlier_ones_left() {
        let mut begun = Begun { most: 3, begun: 0, taken: 0 };
        begun.took(2);
        assert_eq!(begun.left(), 1);
        begun.took(5);
        assert_eq!(begun.left(), 0);
    }
}
