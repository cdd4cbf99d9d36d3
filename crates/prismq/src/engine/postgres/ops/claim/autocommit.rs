//! A claim that is one statement, and a transaction by itself: it looks at what is due and at whether the settings are still
//! those that this process knows, and takes tasks only if neither is in the way. It waits for the server once. If it took
//! none for that reason, an ordinary claim follows.
//!
//! The server says how long its looks took. Where that is long, as deleted rows are passed over, the next ones begin later
//! in the indexes (see [`crate::engine::postgres::batch::looks`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::take::{count, counts, lease, locked, may_begin_later, merged};
use crate::engine::Operation;
use crate::engine::postgres::batch::cached::ReadAt;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::looks::due::Due;
use crate::engine::postgres::batch::queues::{Settings, missing};
use crate::engine::postgres::batch::run::{Leased, Run};
use crate::engine::postgres::batch::shared::Shared;
use crate::engine::postgres::client::{Columns, Transaction, Value};
use crate::engine::postgres::clock::Time;
use crate::model::{Claim, Error, Order, Result, Rule};

/// The time by the clock of the database.
macro_rules! clock {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    };
}

/// The time, when something is due, and whether that or anything else is in the way of the claim.
macro_rules! look {
    () => {
        concat!(
            "u AS MATERIALIZED (SELECT now, now + $7 AS expires_at, CASE WHEN may_take THEN $1 ELSE '{}' END AS lanes,
             ARRAY[may_take::integer, now, scheduled, expiry, deadline, slot, version, inbox, began, ",
            clock!(),
            "] AS looked
         FROM (SELECT *, holds AND coalesce(least(scheduled, expiry + $21, deadline) > now, true)
                   AND coalesce(slot > wall, true)
                   AND NOT EXISTS (SELECT FROM prismq.prismq_inbox WHERE error IS NULL AND NOT held AND id >= $25)
                   AND NOT EXISTS (SELECT FROM prismq.prismq_inbox WHERE error IS NULL AND held)
                   AND NOT EXISTS (SELECT FROM prismq.migration WHERE NOT complete) AS may_take
               FROM (SELECT c.began, coalesce($18, c.began) AS now, coalesce($19, c.began) AS wall,
                         hashtextextended(pg_current_snapshot()::text, 0) AS version,
                         (SELECT min(run_at) FROM prismq.scheduled WHERE run_at >= $22) AS scheduled,
                         (SELECT min(at) FROM prismq.expiry WHERE at >= $23) AS expiry,
                         (SELECT min(at) FROM prismq.deadline WHERE at >= $24) AS deadline,
                         (SELECT min(next_at) FROM prismq.schedule
                          WHERE next_at IS NOT NULL AND (cron IS NULL OR $20)) AS slot,
                         (SELECT last_value FROM prismq.prismq_inbox_id_seq) AS inbox,
                         m.number = $12 AND m.settings = $13 AND m.epoch >= $14 AND m.last_lane = $15
                             AND m.names_freed = $16
                             AND current_setting('prismq_session.name', true) IS NOT DISTINCT FROM 'relaxed ' || $14::bigint::text
                             AND (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint = $17 AS holds
                     FROM prismq.meta m, LATERAL (SELECT ",
            clock!(),
            " AS began OFFSET 0) c OFFSET 0) o OFFSET 0) o), "
        )
    };
}

/// The first eleven parameters are those of [`super::take`], but for the lease, which is a length of time; then what has to
/// be unchanged, the time if that is given, whether schedules by cron count, the grace of expired leases, and where looks
/// for what is due begin. The last row says what was looked at, and when the tasks had been taken.
macro_rules! autocommit {
    ($places:expr) => {
        lease!(
            look!(),
            $places,
            "(SELECT expires_at FROM u)",
            " AND (t.start_by IS NULL OR t.attempt > 0 OR t.start_by > (SELECT now FROM u))",
            counts!(),
            concat!(
                "SELECT t.*, NULL::bigint[] FROM t UNION ALL
     SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, looked || ",
                clock!(),
                " FROM u"
            )
        )
    };
}

/// Takes the first tasks of one lane.
pub(crate) const OF_ONE_AUTOCOMMIT: &str = autocommit!(locked!("(SELECT lanes FROM u)"));
/// Takes the first tasks of several lanes.
pub(crate) const OF_SEVERAL_AUTOCOMMIT: &str = autocommit!(merged!("(SELECT lanes FROM u)"));
/// The column of the last row that says what was looked at.
const LOOKED: usize = 13;

/// What such a claim is made with.
pub(crate) struct Autocommit<'c> {
    claim: &'c Claim,
    lanes: Vec<(Lane, Arc<str>)>,
    settings: Settings,
    read_at: ReadAt,
    last_lane: i32,
}

impl<'c> Autocommit<'c> {
    /// The only operation of a batch, if it is a claim that may be made so in this session.
    pub(crate) fn of(shared: &Shared, batch: &'c [Operation], epoch: i64) -> Option<Self> {
        let [Operation::Claim(claim)] = batch else { return None };
        let (lanes, last_lane, freed, source) = {
            let known = shared.lanes();
            (known.serving(claim), known.last(), known.freed(), known.source())
        };
        let (first, _) = lanes.first()?;
        let (settings, read_at) = shared.cached_to_claim().of_queue(first.queue)?;
        let is_known =
            (read_at.epoch, read_at.names_freed, read_at.source) == (epoch, freed, source);
        // Others depend on what else runs, or on the virtual time of the queue.
        let is_plain = !settings.paused
            && settings.concurrency.is_none()
            && settings.order != Order::WeightedRandom
            && lanes.iter().all(|(lane, _)| !lane.is_limited());
        let (now, at) = (shared.time.estimate().monotonic, Instant::now());
        let may = is_known && is_plain && claim.max > 0 && !shared.refusals().looks_first(now, at);
        may.then_some(Self { claim, lanes, settings, read_at, last_lane })
    }

    /// Claims; `None` if something was in the way, or nothing was found although a lease may have ended or a task be before
    /// its mark: nothing was taken.
    pub(crate) fn run<'a, 't>(
        self,
        transaction: &'a mut Transaction<'t>,
        shared: &'a Shared,
    ) -> Result<Option<Run<'a, 't>>> {
        let Self { claim, lanes, settings, read_at, last_lane } = self;
        let ids: Vec<i32> = lanes.iter().map(|(lane, _)| lane.id).collect();
        let look = shared.marks().begin_look(&ids);
        let mark = match may_begin_later(shared, settings) {
            true => shared.marks().after(&ids, Instant::now()),
            false => None,
        };
        let (due_from, inbox_from) = shared.horizon().from(Instant::now());
        let given = matches!(shared.time, Time::Given(_)).then(|| shared.time.estimate());
        let (max, suspects_max) = (count(claim.max), count(claim.suspects_max.min(claim.max)));
        let floor = transaction.lowest_token();
        let lease = i64::try_from(claim.lease.as_micros()).unwrap_or(i64::MAX);
        let (begun_max, suspects_begin) = (count(claim.begun_max), claim.begun_max < usize::MAX);
        let (key, id) = mark.unwrap_or((i64::MIN, i64::MIN));
        let params: [&dyn Value; 25] = [
            &ids,
            &key,
            &id,
            &max,
            &suspects_max,
            &floor,
            &lease,
            &begun_max,
            &suspects_begin,
            &i64::MIN,
            &settings.id,
            &read_at.source.number,
            &read_at.version,
            &read_at.epoch,
            &last_lane,
            &read_at.names_freed,
            &read_at.source.started,
            &given.map(|now| now.monotonic.as_micros()),
            &given.map(|now| now.wall.as_micros()),
            &Rule::HAS_CRON,
            &shared.expiry_grace(),
            &due_from.scheduled,
            &due_from.expiry,
            &due_from.deadline,
            &inbox_from,
        ];
        let sql = shared.statements.text(match lanes[..] {
            [_] => OF_ONE_AUTOCOMMIT,
            _ => OF_SEVERAL_AUTOCOMMIT,
        });
        let sent = Instant::now();
        let mut rows = transaction.autocommit((&sql, &params))?;
        let answered = Instant::now();
        let last = rows.pop().ok_or_else(|| missing("the row of prismq.meta"))?;
        let looked: Vec<Option<i64>> = last.column(LOOKED)?;
        let [
            Some(may_take),
            Some(now),
            scheduled,
            expiry,
            deadline,
            slot,
            Some(version),
            Some(inbox),
            Some(began_at),
            Some(looked_at),
            Some(taken_at),
        ] = looked[..]
        else {
            return Err(Error::unanswered());
        };
        let now = given.unwrap_or_else(|| shared.time.moment_until(now, taken_at));
        let due = Due { scheduled, expiry, deadline, slot };
        let mut horizon = shared.horizon();
        horizon.looked(due_from, between(began_at, looked_at), due, (now.monotonic, answered));
        if may_take == 0 {
            shared.refusals().refused(answered - sent, answered);
            shared.marks().end_look(&ids, look);
            return Ok(None);
        }
        horizon.looked_at_inbox(false, inbox, answered);
        drop(horizon);
        shared.refusals().passed(answered - sent);
        // A task whose lease has ended, or that is before the mark, is all that there may be.
        let has_expired = expiry.is_some_and(|at| at <= now.monotonic.as_micros());
        let looks_again = has_expired || mark.is_some() && !claim.may_leave_ready;
        if rows.is_empty() && looks_again {
            shared.marks().end_look(&ids, look);
            return Ok(None);
        }
        let leased = Leased { lanes, mark, rows, took: between(looked_at, taken_at) };
        let known = (read_at.source.number, settings, version);
        let (times, due, looked) = ((now, sent), (due_from, due), (leased, look));
        Ok(Some(Run::of_claim(transaction, shared, times, known, due, looked)))
    }
}

/// From one time of the database to another, in microseconds.
fn between(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to - from).unwrap_or(0))
}
