//! Recording failed attempts, and putting tasks off.

use std::collections::HashSet;
use std::process;

use crate::engine::postgres::client::{Columns, Value};
use tokio_postgres::Row;

use super::{Keys, applied_rows};
use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::queues::{DEAD, READY, SCHEDULED, state};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::ops::storable;
use crate::engine::{AfterFailure, Answer, Operation};
use crate::model::limits::{ATTEMPT_ERROR_BYTES_MAX, ATTEMPTS_KEPT_MAX, ERROR_BYTES_MAX};
use crate::model::{Failure, Result, State};

/// Ends attempts: `counted` ones have failed and are recorded, `snoozed` ones do not count. Their handlers returned, so
/// that no task is a suspect.
pub(crate) const FAIL: &str = "WITH k AS MATERIALIZED (
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::smallint[], $5::bigint[], $6::boolean[],
                              $7::boolean[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])
             AS k (id, token, queue, state, run_at, counted, snoozed, error, short, error_type, began_at, worker)),
     t AS (UPDATE prismq.task t SET state = k.state, run_at = k.run_at, lease_expires_at = NULL, suspect = false,
               start_by = NULL, attempt = t.attempt - k.snoozed::integer, failures = t.failures + k.counted::integer,
               error = CASE WHEN k.snoozed THEN t.error ELSE k.error END,
               ended_at = CASE WHEN k.state = 3 THEN k.run_at END,
               ending = CASE WHEN k.state = 3 THEN nextval('prismq.ending') END
           FROM k WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2
           RETURNING t.id, t.token, t.lane, t.line, t.order_key, t.attempt, t.failures, t.ending, k.queue, k.state, k.run_at,
               k.counted, k.short, k.error_type, k.began_at, k.worker),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), false, order_key, id FROM t WHERE state = 0),
     s AS (INSERT INTO prismq.scheduled (run_at, id) SELECT run_at, id FROM t WHERE state = 1),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id, lane)
           SELECT queue, 3, ending, run_at, id, lane FROM t WHERE state = 3),
     a AS (INSERT INTO prismq.attempt (task, token, attempt, began_at, ended_at, process, worker, error, error_type)
           SELECT id, token, attempt, began_at, $13, $14, worker, short, error_type FROM t WHERE counted)
     SELECT id, token, failures, lane, CASE WHEN state = 0 THEN order_key END FROM t";
/// The column of the lane, before that of the key.
const PLACE: usize = 3;
/// Deletes the attempts of tasks beyond those that are kept.
pub(crate) const PRUNE_ATTEMPTS: &str =
    "DELETE FROM prismq.attempt a USING unnest($1::bigint[]) k (id)
     WHERE a.task = ANY (ARRAY[k.id]) AND a.token <= (SELECT o.token FROM prismq.attempt o WHERE o.task = k.id
                                         ORDER BY o.token DESC LIMIT 1 OFFSET $2)";

/// What becomes of a task.
#[derive(Debug, Clone, Copy)]
struct Next {
    state: i16,
    run_at: i64,
    counted: bool,
    snoozed: bool,
    cancelled: bool,
}

impl Next {
    fn of(run: &Run<'_, '_>, next: AfterFailure) -> Self {
        let now = run.now.monotonic;
        let (state, run_at) = match next {
            AfterFailure::Dead | AfterFailure::Cancelled | AfterFailure::UnlessByOperator(None) => {
                (DEAD, now)
            }
            AfterFailure::Retry(delay)
            | AfterFailure::ByPolicy { otherwise: delay }
            | AfterFailure::UnlessByOperator(Some(delay))
            | AfterFailure::Snooze(delay) => {
                (if delay.is_zero() { READY } else { SCHEDULED }, now.after(delay))
            }
        };
        Self {
            state,
            run_at: run_at.as_micros(),
            counted: next.is_failure(),
            snoozed: matches!(next, AfterFailure::Snooze(_)),
            cancelled: next == AfterFailure::Cancelled,
        }
    }
}

/// Ends the attempts of these operations; an answer for each.
pub(crate) fn fail(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let keys = Keys::ended_by(run, group);
    let nothing =
        Failure { error: String::new(), error_type: None, began_at: run.now.wall, worker: None };
    let failure = |place: usize| match group.get(place) {
        Some(Operation::Fail { failure, .. }) => failure,
        _ => &nothing,
    };
    let nexts = nexts(run, &keys, group)?;
    let dead = Next::of(run, AfterFailure::Dead);
    let next = |place: usize| nexts.get(place).copied().unwrap_or(dead);
    let text = |place: usize, bytes_max: usize| {
        let error = failure(place).error.as_str();
        storable(error.get(..error.floor_char_boundary(bytes_max)).unwrap_or(error)).into_owned()
    };
    let wall = run.now.wall.as_micros();
    let process = i64::from(process::id());
    let states = keys.column(|place, _| next(place).state);
    let run_at = keys.column(|place, _| next(place).run_at);
    let counted = keys.column(|place, _| next(place).counted);
    let snoozed = keys.column(|place, _| next(place).snoozed);
    let errors = keys.column(|place, _| text(place, ERROR_BYTES_MAX));
    let short = keys.column(|place, _| text(place, ATTEMPT_ERROR_BYTES_MAX));
    let types = keys.column(|place, _| failure(place).error_type);
    let began_at = keys.column(|place, _| failure(place).began_at.as_micros());
    let workers =
        keys.column(|place, _| failure(place).worker.and_then(|worker| i64::try_from(worker).ok()));
    let (ids, tokens, queues) = (keys.ids(), keys.tokens(), keys.queues());
    let params: [&dyn Value; 14] = [
        &ids, &tokens, &queues, &states, &run_at, &counted, &snoozed, &errors, &short, &types,
        &began_at, &workers, &wall, &process,
    ];
    let rows = run.end_leases(FAIL, &params)?;
    run.add_ready(&rows, PLACE)?;
    run.prune_attempts(&rows)?;
    let applied = applied_rows(&rows)?;
    keys.free_slots(run, &applied);
    let mut stopped = Vec::new();
    for (place, key) in keys.column(|place, key| (place, *key)) {
        if applied.contains(&(key.id.as_i64(), key.token)) {
            let next = next(place);
            let counters = run.counters.of(LeaseNote::from(key.note).queue);
            counters.leased -= 1;
            counters.failed += i64::from(next.counted);
            counters.count(next.state, 1);
            stopped.extend(next.cancelled.then_some(key.id.as_i64()));
        }
    }
    let mut cancelled: HashSet<i64> = run.end_requested(&ids)?;
    run.end_as_cancelled(&stopped)?;
    cancelled.extend(stopped);
    let answer = |place: usize| state(next(place).state).unwrap_or(State::Dead);
    for (place, key) in keys.column(|place, key| (place, *key)) {
        let id = key.id.as_i64();
        if next(place).state == DEAD
            && !cancelled.contains(&id)
            && applied.contains(&(id, key.token))
        {
            run.log_dead(id, LeaseNote::from(key.note).lane, &text(place, ERROR_BYTES_MAX));
        }
    }
    Ok(keys.answers(run, &applied, |place, key| {
        Answer::Failed(if cancelled.contains(&key.id.as_i64()) {
            State::Cancelled
        } else {
            answer(place)
        })
    }))
}

/// What becomes of the task of each operation.
fn nexts(run: &mut Run<'_, '_>, keys: &Keys<'_>, group: &[Operation]) -> Result<Vec<Next>> {
    let of = |operation: &Operation| match operation {
        Operation::Fail { next, .. } => *next,
        _ => AfterFailure::Dead,
    };
    let mut asked = Vec::new();
    for (place, key) in keys.column(|place, key| (place, *key)) {
        let by_operator = match group.get(place).map(of) {
            Some(AfterFailure::ByPolicy { .. }) => false,
            Some(AfterFailure::UnlessByOperator(_)) => true,
            _ => continue,
        };
        asked.push((key.id.as_i64(), by_operator));
    }
    let delays = run.policy_delays(&asked)?;
    let nexts = group.iter().map(|operation| {
        let next = of(operation);
        let delay = operation.key().and_then(|key| delays.get(&key.id.as_i64())).copied();
        match (next, delay) {
            (AfterFailure::ByPolicy { .. } | AfterFailure::UnlessByOperator(_), Some(delay)) => {
                AfterFailure::Retry(delay)
            }
            (AfterFailure::ByPolicy { otherwise }, None) => AfterFailure::Retry(otherwise),
            (AfterFailure::UnlessByOperator(Some(delay)), None) => AfterFailure::Retry(delay),
            (AfterFailure::UnlessByOperator(None), None) => AfterFailure::Dead,
            (next, _) => next,
        }
    });
    Ok(nexts.map(|next| Next::of(run, next)).collect())
}

impl Run<'_, '_> {
    /// Deletes attempts beyond those that are kept, of tasks of which a statement returned the id and, in its third
    /// column, how many have failed.
    pub(crate) fn prune_attempts(&mut self, rows: &[Row]) -> Result<()> {
        let mut many = Vec::new();
        for row in rows {
            if row.number(2)? > ATTEMPTS_KEPT_MAX {
                many.push(row.column::<i64>(0)?);
            }
        }
        if many.is_empty() {
            return Ok(());
        }
        self.execute(PRUNE_ATTEMPTS, &[&many, &i64::from(ATTEMPTS_KEPT_MAX)])
    }
}
