//! Extending leases, and recording that attempts have begun.

use super::{Keys, applied};
use crate::engine::postgres::batch::run::Run;
use crate::engine::{Answer, Operation};
use crate::model::Result;

/// Extends leases, and records when to look whether they have expired.
pub(crate) const EXTEND: &str = "WITH t AS (UPDATE prismq.task t SET lease_expires_at = k.at
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) k (id, token, at)
         WHERE t.id = k.id AND t.token = k.token AND t.state = 2
         RETURNING t.id, t.token, k.at),
     e AS (INSERT INTO prismq.expiry (at, ids)
           SELECT at, array_agg(id) FROM (SELECT at, id, row_number() OVER (PARTITION BY at) / 32 AS part FROM t) p
           GROUP BY at, part)
     SELECT id, token FROM t";
/// Records that attempts have begun.
pub(crate) const BEGIN: &str = "UPDATE prismq.task t SET begun = true
     FROM unnest($1::bigint[], $2::bigint[]) k (id, token)
     WHERE t.id = k.id AND t.token = k.token AND t.state = 2
     RETURNING t.id, t.token";

/// Extends the leases of these operations; an answer for each.
pub(crate) fn extend(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let keys = Keys::used_by(run, group);
    let now = run.now;
    let until = |place: usize| match group.get(place) {
        Some(Operation::Extend { lease, .. }) => now.after(*lease),
        _ => now,
    };
    let ends = keys.column(|place, _| until(place).monotonic.as_micros());
    let applied = applied(&run.query(EXTEND, &[&keys.ids(), &keys.tokens(), &ends])?)?;
    Ok(keys.answers(run, &applied, |place, _| Answer::Extended(until(place))))
}

/// Records that the attempts of these operations have begun; an answer for each.
pub(crate) fn begin(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let keys = Keys::used_by(run, group);
    let applied = applied(&run.query(BEGIN, &[&keys.ids(), &keys.tokens()])?)?;
    Ok(keys.answers(run, &applied, |_, _| Answer::Begun))
}
