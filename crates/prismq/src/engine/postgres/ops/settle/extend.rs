//! Extending leases, and recording that attempts have begun.

use super::{Keys, Unanswered};
use crate::engine::postgres::batch::run::Run;
use crate::engine::{Answer, Operation};

/// Extends leases, and records when to look whether they have expired.
pub(crate) const EXTEND: &str = "WITH t AS (UPDATE prismq.task t SET lease_expires_at = k.at
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) k (id, token, at)
         WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, k.at),
     e AS (INSERT INTO prismq.expiry (at, ids)
           SELECT at, array_agg(id) FROM (SELECT at, id, row_number() OVER (PARTITION BY at) / 32 AS part FROM t) p
           GROUP BY at, part)
     SELECT array_agg(id), array_agg(token) FROM t";
/// Records that attempts have begun.
pub(crate) const BEGIN: &str = "WITH t AS (UPDATE prismq.task t SET begun = true
         FROM unnest($1::bigint[], $2::bigint[]) k (id, token)
         WHERE t.id = ANY (ARRAY[k.id]) AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token)
     SELECT array_agg(id), array_agg(token) FROM t";

/// Extends the leases of these operations.
pub(crate) fn extend<'a>(run: &mut Run<'_, '_>, group: &'a [Operation]) -> Unanswered<'a> {
    let keys = Keys::used_by(run, group);
    let now = run.now;
    let until = move |place: usize| match group.get(place) {
        Some(Operation::Extend { lease, .. }) => now.after(*lease),
        _ => now,
    };
    let ends = keys.column(|place, _| until(place).monotonic.as_micros());
    let ticket = run.put_off(EXTEND, &[&keys.ids(), &keys.tokens(), &ends]);
    Unanswered { keys, ticket, done: Box::new(move |place| Answer::Extended(until(place))) }
}

/// Records that the attempts of these operations have begun.
pub(crate) fn begin<'a>(run: &mut Run<'_, '_>, group: &'a [Operation]) -> Unanswered<'a> {
    let keys = Keys::used_by(run, group);
    let ticket = run.put_off(BEGIN, &[&keys.ids(), &keys.tokens()]);
    Unanswered { keys, ticket, done: Box::new(|_| Answer::Begun) }
}
