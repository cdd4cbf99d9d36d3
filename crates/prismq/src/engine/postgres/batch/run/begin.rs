//! How a transaction begins: by reading what its operations need, by settings that are assumed, or as a claim that has been
//! made and committed already.

use std::time::Instant;

use super::{Leased, Run};
use crate::engine::Operation;
use crate::engine::postgres::batch::cached::{Assumed, UNCHANGED};
use crate::engine::postgres::batch::lanes::Source;
use crate::engine::postgres::batch::looks::due::{Due, Starts};
use crate::engine::postgres::batch::looks::marks::Look;
use crate::engine::postgres::batch::queues::{self, Settings, settings};
use crate::engine::postgres::batch::shared::Shared;
use crate::engine::postgres::batch::wanted::Wanted;
use crate::engine::postgres::client::{Columns, Executor, Value};
use crate::engine::postgres::ops::inbox::Inbox;
use crate::engine::postgres::schema;
use crate::model::{Result, Rule};
use crate::time::Moment;

/// What a transaction reads first: the time, and what its operations need. What is due only claims need to know: it takes
/// a third of the statement's time.
macro_rules! begin {
    ($due:literal, $version:literal, $inbox:literal) => {
        concat!(
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, m.number,
            m.last_lane, EXISTS (SELECT FROM prismq.cancel), ",
            $due,
            ", ",
            $version,
            ", ARRAY(SELECT nextval('prismq.task_id') FROM generate_series(1, $2)), ",
            $inbox,
            ", EXISTS (SELECT FROM prismq.type_retention), m.names_freed,
            EXISTS (SELECT FROM prismq.migration WHERE NOT complete),
            (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, m.epoch, m.settings,
            current_setting('prismq_session.name', true), ",
            settings!(),
            " FROM prismq.meta m LEFT JOIN prismq.queue q ON q.id = ANY ($1)"
        )
    };
}

/// For a transaction without claims.
pub(crate) const BEGIN: &str = begin!(
    "NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint",
    "NULL::bigint",
    "false, false, 0::bigint"
);

/// For one with claims.
pub(crate) const BEGIN_TO_CLAIM: &str = begin!(
    "(SELECT min(run_at) FROM prismq.scheduled WHERE run_at >= $4),
     (SELECT min(at) FROM prismq.expiry WHERE at >= $5),
     (SELECT min(at) FROM prismq.deadline WHERE at >= $6),
     (SELECT min(next_at) FROM prismq.schedule WHERE next_at IS NOT NULL AND (cron IS NULL OR $3))",
    "hashtextextended(pg_current_snapshot()::text, 0)",
    "EXISTS (SELECT FROM prismq.prismq_inbox WHERE error IS NULL AND NOT held AND id >= $7),
     EXISTS (SELECT FROM prismq.prismq_inbox WHERE error IS NULL AND held),
     (SELECT last_value FROM prismq.prismq_inbox_id_seq)"
);
/// The first column of a queue's settings in both.
const BEGIN_SETTINGS: usize = 20;

impl<'a, 't> Run<'a, 't> {
    /// Begins a transaction for these operations.
    pub(crate) fn begin(
        transaction: &'a mut (dyn Executor + 't),
        shared: &'a Shared,
        batch: &[Operation],
    ) -> Result<Self> {
        let Wanted { queues, claims, ids } = Wanted::of(shared, batch);
        let began = Instant::now();
        let (due_from, inbox_from) = shared.horizon().from(began);
        let (begin, params): (_, &[&dyn Value]) = match claims {
            true => (
                BEGIN_TO_CLAIM,
                &[
                    &queues,
                    &ids,
                    &Rule::HAS_CRON,
                    &due_from.scheduled,
                    &due_from.expiry,
                    &due_from.deadline,
                    &inbox_from,
                ],
            ),
            false => (BEGIN, &[&queues, &ids]),
        };
        let rows = transaction.query(&shared.statements.text(begin), params)?;
        let Some(first) = rows.first() else {
            return Err(queues::missing("the row of prismq.meta"));
        };
        // One that was opened before the migration began.
        if first.column(15)? {
            return Err(schema::moving(shared.statements.schema()));
        }
        let source = Source { number: first.column(1)?, started: first.column(16)? };
        let session: Option<String> = first.column(19)?;
        transaction.check_server(source.started, first.column(17)?, session.as_deref())?;
        let last_lane: i32 = first.column(2)?;
        let now = shared.time.moment(first.column(0)?);
        let mut run = Self {
            began,
            started: source.started,
            has_cancel_requests: first.column(3)?,
            due: Due::read(first, 4)?,
            due_from,
            inbox_from,
            version: first.column::<Option<i64>>(8)?.unwrap_or_default(),
            ids: first.column::<Vec<i64>>(9)?.into(),
            inbox: Inbox { waits: first.column(10)?, holds: first.column(11)? },
            has_type_retention: first.column(13)?,
            names_freed: first.column(14)?,
            settings_version: first.column(18)?,
            last_lane,
            is_claim: matches!(batch, [Operation::Claim(_)]),
            ..Self::new(transaction, shared, now, source.number)
        };
        if claims {
            let at = (run.now.monotonic, Instant::now());
            let (waits, last_id) = (run.inbox.waits, first.column(12)?);
            let mut horizon = shared.horizon();
            if let Some(took) = run.took(1, 0) {
                horizon.looked(due_from, took, run.due, at);
            }
            horizon.looked_at_inbox(waits, last_id, Instant::now());
        }
        for row in &rows {
            run.know(Settings::read(row, BEGIN_SETTINGS)?);
        }
        let (known, last_known, freed) = {
            let lanes = shared.lanes();
            (lanes.source(), lanes.last(), lanes.freed())
        };
        // For an application's transaction, which may be of another database, another session reads them.
        if run.is_of_caller() {
            return Ok(run);
        }
        if shared.is_new(run.epoch()) || known != source || last_lane < last_known {
            // What was seen may have been undone, with a server that has crashed since.
            shared.forget_looks();
            run.reread_lanes()?;
        } else if last_lane > last_known || run.names_freed > freed {
            run.refresh_lanes()?;
        }
        Ok(run)
    }

    /// Begins a transaction that assumes settings, and fails if they are others.
    pub(crate) fn assuming(
        transaction: &'a mut (dyn Executor + 't),
        shared: &'a Shared,
        assumed: Assumed,
    ) -> Self {
        let Assumed { source, version, queues, lanes } = assumed;
        let Source { number, started } = source;
        let mut run = Self::new(transaction, shared, shared.time.estimate(), number);
        for settings in queues {
            run.know(Some(settings));
        }
        let epoch = run.epoch();
        // A server that was restored to an earlier state lacks the last lanes.
        let last_lane = lanes.iter().map(|lane| lane.id).max().unwrap_or(0);
        run.transaction.numbered_by_first();
        run.put_off(UNCHANGED, &[&number, &version, &started, &epoch, &last_lane]);
        run.assumed_lanes = Some(lanes.into());
        run
    }

    /// That of a claim that has been made and committed.
    pub(crate) fn of_claim(
        transaction: &'a mut (dyn Executor + 't),
        shared: &'a Shared,
        (now, began): (Moment, Instant),
        (number, settings, version): (i64, Settings, i64),
        (due_from, due): (Starts, Due),
        (leased, look): (Leased, Look),
    ) -> Self {
        let lanes = leased.lanes.iter().map(|(lane, _)| lane.id).collect();
        let mut run = Self {
            began,
            looks: vec![(lanes, look)],
            due,
            due_from,
            expiry_grace: shared.expiry_grace(),
            version,
            is_committed: true,
            autocommit: Some(leased),
            ..Self::new(transaction, shared, now, number)
        };
        run.know(Some(settings));
        run
    }
}
