//! Completing tasks: those of a queue that keeps none are deleted by one statement, the others are kept.

use std::collections::HashSet;

use crate::engine::postgres::client::Value;

use super::{Keys, LOCK, Unanswered, applied};
use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::queues::{COMPLETED, COMPLETED_BY_TYPE};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::ops::apply::Answers;
use crate::engine::postgres::ops::records;
use crate::engine::{Answer, Operation};
use crate::model::Result;

/// Completes tasks that are not kept, and counts them if asked to.
pub(crate) const COMPLETE: &str = concat!(
    "WITH d AS (DELETE FROM prismq.task t USING unnest($1::bigint[], $2::bigint[], $3::integer[]) k (id, token, queue)
         WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, k.queue, t.failures > 0 OR t.noted AS recorded), ",
    records!(),
    ",
     dc AS (INSERT INTO prismq.counter_delta (queue, leased, completed)
         SELECT queue, -count(*), count(*) FROM d WHERE $4 GROUP BY queue)
     SELECT array_agg(id), array_agg(token) FROM d"
);
/// Ends requests to cancel those of these tasks that are gone. A statement of its own, after the one that completes them:
/// a request may be committed while that waits for its task.
pub(crate) const WITHDRAW_GONE: &str = "DELETE FROM prismq.cancel c
     WHERE c.task = ANY ($1) AND (SELECT true FROM prismq.task t WHERE t.id = c.task) IS NULL";
/// Completes tasks that are kept.
pub(crate) const KEEP: &str = "WITH t AS (UPDATE prismq.task t SET
         state = 4, lease_expires_at = NULL, suspect = false, start_by = NULL, result = k.result, ended_at = $5,
         ending = nextval('prismq.ending')
         FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bytea[]) k (id, token, queue, result)
         WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, t.ending, k.queue),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id) SELECT queue, 4, ending, $5, id FROM t)
     SELECT array_agg(id), array_agg(token) FROM t";

/// Completes those tasks whose types have a retention, and keeps them for its time.
pub(crate) const KEEP_BY_TYPE: &str = "WITH t AS (UPDATE prismq.task t SET
         state = 7, lease_expires_at = NULL, suspect = false, start_by = NULL, result = k.result, ended_at = $5,
         ending = nextval('prismq.ending')
         FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bytea[]) k (id, token, queue, result),
              prismq.lane l, prismq.type_retention r
         WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2 AND l.id = t.lane AND r.type = l.type
         RETURNING t.id, t.token, t.ending, k.queue, $5 + r.age AS until),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id) SELECT queue, 7, ending, until, id FROM t)
     SELECT array_agg(id), array_agg(token) FROM t";

/// Completes the tasks of these operations. Where none is kept and nothing waits for them to end, nothing else depends
/// on which of them were held.
pub(crate) fn complete<'a>(run: &mut Run<'_, '_>, group: &'a [Operation]) -> Result<Answers<'a>> {
    let keys = Keys::ended_by(run, group);
    if !are_plain(run, &keys)? {
        return complete_looking(run, &keys, group).map(Answers::Known);
    }
    let ids = keys.ids();
    let ticket = run.put_off(COMPLETE, &[&ids, &keys.tokens(), &keys.queues(), &true]);
    run.put_off(WITHDRAW_GONE, &[&ids]);
    Ok(Answers::PutOff(Unanswered { keys, ticket, done: Box::new(|_| Answer::Completed) }))
}

/// Whether the tasks of these leases are deleted when they are completed, and neither a limit nor a key nor their queue
/// counts how many run.
fn are_plain(run: &mut Run<'_, '_>, keys: &Keys<'_>) -> Result<bool> {
    let limited = keys.column(|_, key| key.limited);
    if run.has_type_retention || limited.contains(&true) {
        return Ok(false);
    }
    for queue in keys.queues() {
        let settings = run.queue(queue)?;
        if settings.keep > 0 || settings.concurrency.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Completes tasks, and does what depends on which of them were held.
fn complete_looking(
    run: &mut Run<'_, '_>,
    keys: &Keys<'_>,
    group: &[Operation],
) -> Result<Vec<Result<Answer>>> {
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
    // As the statements below change some each.
    if ids.len() > 1 && (run.has_type_retention || !keeping.is_empty()) {
        run.put_off(LOCK, &[&ids]);
    }
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
        let rows = rows.map(|((id, token), queue)| (*id, (*token, *queue)));
        let (ids, rest): (Vec<i64>, Vec<(i64, i32)>) = rows.unzip();
        let (tokens, queues): (Vec<i64>, Vec<i32>) = rest.into_iter().unzip();
        (ids, tokens, queues)
    };
    let (dropped, dropped_tokens, dropped_queues) = of(false);
    if !dropped.is_empty() {
        let params: [&dyn Value; 4] = [&dropped, &dropped_tokens, &dropped_queues, &false];
        done.extend(applied(&run.end_leases(COMPLETE, &params)?)?);
    }
    let (kept, kept_tokens, kept_queues) = of(true);
    if !kept.is_empty() {
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
