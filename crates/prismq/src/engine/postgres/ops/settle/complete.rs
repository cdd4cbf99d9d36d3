//! Completing tasks: those of a queue that keeps none are deleted by one statement, the others are kept.

use std::collections::HashSet;

use crate::engine::postgres::client::Value;

use super::{Keys, applied};
use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::queues::{COMPLETED, COMPLETED_BY_TYPE};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::ops::records;
use crate::engine::{Answer, Operation};
use crate::model::Result;

/// Completes tasks that are not kept.
pub(crate) const COMPLETE: &str = concat!(
    "WITH d AS (DELETE FROM prismq.task t USING unnest($1::bigint[], $2::bigint[]) k (id, token)
         WHERE t.id = k.id AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, t.failures > 0 OR t.noted AS recorded), ",
    records!(),
    " SELECT id, token FROM d"
);
/// Completes tasks that are kept.
pub(crate) const KEEP: &str = "WITH t AS (UPDATE prismq.task t SET
         state = 4, lease_expires_at = NULL, suspect = false, start_by = NULL, result = k.result, ended_at = $5,
         ending = nextval('prismq.ending')
         FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bytea[]) k (id, token, queue, result)
         WHERE t.id = k.id AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, t.ending, k.queue),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id) SELECT queue, 4, ending, $5, id FROM t)
     SELECT id, token FROM t";

/// Completes those tasks whose types have a retention, and keeps them for its time.
pub(crate) const KEEP_BY_TYPE: &str = "WITH t AS (UPDATE prismq.task t SET
         state = 7, lease_expires_at = NULL, suspect = false, start_by = NULL, result = k.result, ended_at = $5,
         ending = nextval('prismq.ending')
         FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bytea[]) k (id, token, queue, result),
              prismq.lane l, prismq.type_retention r
         WHERE t.id = k.id AND t.token = k.token AND t.state = 2 AND l.id = t.lane AND r.type = l.type
         RETURNING t.id, t.token, t.ending, k.queue, $5 + r.age AS until),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id) SELECT queue, 7, ending, until, id FROM t)
     SELECT id, token FROM t";

/// Completes the tasks of these operations; an answer for each.
pub(crate) fn complete(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let keys = Keys::ended_by(run, group);
    let mut keeping = HashSet::new();
    for queue in keys.queues() {
        if run.queue(queue)?.keep > 0 {
            keeping.insert(queue);
        }
    }
    let mut done = HashSet::with_capacity(group.len());
    let (ids, tokens, queues) = (keys.ids(), keys.tokens(), keys.queues());
    let result = |place: usize| match group.get(place) {
        Some(Operation::Complete { result, .. }) => result.as_deref(),
        _ => None,
    };
    let mut by_type = HashSet::new();
    if run.has_type_retention && !ids.is_empty() {
        let results = keys.column(|place, _| result(place));
        let wall = run.now.wall.as_micros();
        let params: [&dyn Value; 5] = [&ids, &tokens, &queues, &results, &wall];
        by_type = applied(&run.end_leases(KEEP_BY_TYPE, &params)?)?;
        // The statements below do not find them held any more.
        done.extend(by_type.iter().copied());
    }
    let of = |kept: bool| {
        let rows = ids.iter().zip(&tokens).zip(&queues);
        let rows = rows.filter(|(_, queue)| keeping.contains(*queue) == kept);
        rows.map(|((id, token), _)| (*id, *token)).unzip::<i64, i64, Vec<_>, Vec<_>>()
    };
    let (dropped, dropped_tokens) = of(false);
    if !dropped.is_empty() {
        done.extend(applied(&run.end_leases(COMPLETE, &[&dropped, &dropped_tokens])?)?);
    }
    let (kept, kept_tokens) = of(true);
    if !kept.is_empty() {
        let kept_queues: Vec<i32> =
            queues.iter().copied().filter(|queue| keeping.contains(queue)).collect();
        let results = keys.column(|place, key| {
            let keeps = keeping.contains(&LeaseNote::from(key.note).queue);
            keeps.then(|| result(place))
        });
        let results: Vec<Option<&[u8]>> = results.into_iter().flatten().collect();
        let wall = run.now.wall.as_micros();
        let params: [&dyn Value; 5] = [&kept, &kept_tokens, &kept_queues, &results, &wall];
        done.extend(applied(&run.end_leases(KEEP, &params)?)?);
    }
    for ((id, token), queue) in ids.iter().zip(&tokens).zip(&queues) {
        if done.contains(&(*id, *token)) {
            let counters = run.counters.of(*queue);
            counters.leased -= 1;
            counters.completed += 1;
            if by_type.contains(&(*id, *token)) {
                counters.count(COMPLETED_BY_TYPE, 1);
            } else if keeping.contains(queue) {
                counters.count(COMPLETED, 1);
            }
        }
    }
    keys.free_slots(run, &done);
    // A completion wins over a request to cancel; one by a lost lease does not, as another may run the task.
    let completed: Vec<i64> = done.iter().map(|(id, _)| *id).collect();
    run.withdraw_requests(&completed)?;
    Ok(keys.answers(run, &done, |_, _| Answer::Completed))
}
