//! One transaction: its time, what it knows of queues and lanes, and what it has yet to write. How it begins is in [`begin`].

mod begin;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::cached;
use super::counters::{self, Counters};
use super::lanes::{self, Lane, Refresh};
use super::lease_note::LeaseNote;
use super::limits::{self, Limits};
use super::looks::due::{Due, NEXT_DUE, Starts};
use super::looks::marks::{Look, Place};
use super::queues::{self, Settings};
use super::send::PutOff;
use super::shared::Shared;
use crate::engine::Line;
use crate::engine::postgres::client::{Columns, Executor, NewWork, Statement, Value};
use crate::engine::postgres::ops::caller;
use crate::engine::postgres::ops::inbox::Inbox;
use crate::model::{Error, LeaseKey, NewTask, Result, Rule};
use crate::time::{Moment, Timestamp};

/// How many microseconds after its end a lease is reclaimed at the latest while claims find other tasks, by the clock of the
/// database. Of each claim there is a hint that its leases may have expired, most of which have been settled by then. Where claims follow each other, one
/// in many looks at all of these, and the others are one statement.
pub(super) const EXPIRY_GRACE: i64 = 100_000;

/// The time of the database, and its number.
pub(crate) const TIME: &str =
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, number FROM prismq.meta";

/// Ids for tasks.
const IDS: &str = "SELECT ARRAY(SELECT nextval('prismq.task_id') FROM generate_series(1, $1))";

/// What a claim leased that was a transaction by itself.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) lanes: Vec<(Lane, Arc<str>)>,
    /// After which task it looked, if not from the first.
    pub(crate) mark: Option<Place>,
    pub(crate) rows: Vec<Row>,
    /// How long the server took for that, without its other looks and with its waits for locks.
    pub(crate) took: Duration,
}

/// The transaction in progress.
pub(crate) struct Run<'a, 't> {
    pub(super) transaction: &'a mut (dyn Executor + 't),
    pub(crate) shared: &'a Shared,
    pub(crate) now: Moment,
    /// When that was.
    pub(crate) began: Instant,
    /// The number of the database.
    pub(crate) number: i64,
    /// When its server was started, in microseconds; 0 if it has not read that.
    pub(crate) started: i64,
    /// The lowest token that this session gives.
    pub(crate) token_floor: i64,
    /// Whether running tasks are to be cancelled, as far as is known: see [`Run::end_leases`].
    pub(crate) has_cancel_requests: bool,
    /// What was due when the transaction began, and what its claims add.
    pub(crate) due: Due,
    /// How many microseconds after its end an expired lease is reclaimed at the latest: see [`EXPIRY_GRACE`].
    pub(crate) expiry_grace: i64,
    /// Whether nothing else that this transaction does may be due earlier than that.
    pub(crate) due_holds: bool,
    /// From when on to look for what is due.
    pub(crate) due_from: Starts,
    /// From which id on to look for rows of the inbox.
    pub(crate) inbox_from: i64,
    /// How long it takes until looks begin at the first ready task again, if a claim found fewer than it wanted and did
    /// not look there.
    pub(crate) spared_look: Option<Duration>,
    /// What [`crate::engine::Engine::version`] was when it began.
    pub(crate) version: i64,
    /// What there was of the inbox when it began.
    pub(crate) inbox: Inbox,
    /// The schedule whose due slots are being enqueued.
    pub(crate) firing: Option<i32>,
    /// Where its claims have left work for others: tasks of due slots, and those that it has put back.
    pub(crate) brought: NewWork,
    /// Whether all due slots are left to others, or put off.
    pub(crate) slots_wait: bool,
    /// Whether due slots are left to a later claim.
    pub(crate) skips_slots: bool,
    /// Whether ended tasks of a type are kept for a time of its own.
    pub(crate) has_type_retention: bool,
    /// The last lane that there was when it began.
    pub(crate) last_lane: i32,
    /// How often lanes had been deleted when it began.
    pub(crate) names_freed: i32,
    /// `meta.settings` when it began.
    pub(super) settings_version: i64,
    /// Whether it changes what others cache.
    pub(super) changes_settings: bool,
    /// Whether it does nothing but one claim, which may then be committed with its last statement.
    pub(crate) is_claim: bool,
    /// Whether that was done.
    pub(crate) is_committed: bool,
    /// Leases that such a claim must not keep.
    pub(crate) to_put_back: Vec<LeaseKey>,
    /// What it has leased already, if it was one statement.
    pub(crate) autocommit: Option<Leased>,
    /// The lanes of the tasks that it adds, where settings are assumed; `None` if this transaction has read them.
    assumed_lanes: Option<VecDeque<Lane>>,
    /// Lanes that tasks have and the database does not.
    orphaned: HashSet<i32>,
    /// Ids for the tasks that are added.
    ids: VecDeque<i64>,
    queues: HashMap<i32, Settings>,
    pub(crate) counters: Counters,
    pub(crate) limits: Limits,
    pub(super) put_off: PutOff,
    /// Lines of the log that depend on its commit.
    log: Vec<Line>,
    /// What it makes ready: the first task of each lane, and whether there may be any others.
    added: BTreeMap<i32, Place>,
    added_anywhere: bool,
    /// The looks of its claims for tasks by their lanes, and those for turns in a lane.
    pub(super) looks: Vec<(Vec<i32>, Look)>,
    looks_for_turns: Vec<(i32, Look)>,
}

impl<'a, 't> Run<'a, 't> {
    /// One that has read nothing.
    fn new(
        transaction: &'a mut (dyn Executor + 't),
        shared: &'a Shared,
        now: Moment,
        number: i64,
    ) -> Self {
        Self {
            token_floor: transaction.lowest_token(),
            transaction,
            shared,
            now,
            began: Instant::now(),
            number,
            started: 0,
            has_cancel_requests: false,
            due: Due::default(),
            expiry_grace: 0,
            due_holds: true,
            due_from: Starts::FIRST,
            inbox_from: i64::MIN,
            spared_look: None,
            version: 0,
            inbox: Inbox::default(),
            firing: None,
            brought: NewWork::None,
            slots_wait: false,
            skips_slots: false,
            has_type_retention: false,
            names_freed: 0,
            settings_version: 0,
            changes_settings: false,
            last_lane: 0,
            is_claim: false,
            is_committed: false,
            to_put_back: Vec::new(),
            autocommit: None,
            assumed_lanes: None,
            orphaned: HashSet::new(),
            ids: VecDeque::new(),
            queues: HashMap::new(),
            counters: Counters::default(),
            limits: Limits::default(),
            put_off: PutOff::default(),
            log: Vec::new(),
            added: BTreeMap::new(),
            added_anywhere: false,
            looks: Vec::new(),
            looks_for_turns: Vec::new(),
        }
    }

    /// What its claims have seen, for [`crate::engine::postgres::batch::looks::refusals`]: when something is due, if that is
    /// known, and whether rows of the inbox wait.
    pub(crate) fn seen(&self) -> (Option<Timestamp>, bool) {
        let due = self.due.with_grace(self.shared.expiry_grace()).first(self.now);
        (due.filter(|_| self.due_holds), self.inbox.waits || self.inbox.holds)
    }

    /// Whether it assumes settings that it has not read.
    pub(crate) const fn assumes(&self) -> bool {
        self.assumed_lanes.is_some()
    }

    /// The lane of the next task that is added by assumed settings.
    pub(crate) fn take_lane(&mut self) -> Option<Lane> {
        self.assumed_lanes.as_mut()?.pop_front()
    }

    /// The number of its session.
    pub(super) fn epoch(&self) -> i64 {
        self.transaction.epoch()
    }

    /// The settings of queues that are known.
    pub(super) fn settings(&self) -> impl Iterator<Item = &Settings> {
        self.queues.values()
    }

    /// Reads the lanes that others have added, or all if what is known is out of date.
    fn refresh_lanes(&mut self) -> Result<()> {
        let mut after = self.shared.lanes().last();
        loop {
            let rows = self.query(lanes::AFTER, &[&after])?;
            match self.shared.lanes().take(after, &rows)? {
                Refresh::Complete => return Ok(()),
                Refresh::MustReadAll => after = 0,
            }
        }
    }

    /// Reads all lanes again: the database may have been restored to an earlier state, with no other sign of it.
    fn reread_lanes(&mut self) -> Result<()> {
        loop {
            let state = self.shared.lanes().state();
            let rows = self.query(lanes::AFTER, &[&0_i32])?;
            if self.shared.lanes().replace(state, &rows)? {
                return Ok(());
            }
        }
    }

    /// How a queue is set.
    pub(crate) fn queue(&mut self, id: i32) -> Result<Settings> {
        if let Some(settings) = self.queues.get(&id) {
            return Ok(*settings);
        }
        let row = self.query(queues::SETTINGS, &[&vec![id]])?.pop();
        let settings = row.map_or(Ok(None), |row| Settings::read(&row, 0))?;
        self.know(settings);
        settings.ok_or_else(|| match self.is_of_caller() {
            true => caller::too_old("the queue of the task was added"),
            false => queues::missing("the row of a queue"),
        })
    }

    /// Whether the transaction is the application's.
    pub(crate) fn is_of_caller(&self) -> bool {
        self.transaction.is_of_caller()
    }

    fn know(&mut self, settings: Option<Settings>) {
        self.queues.extend(settings.map(|settings| (settings.id, settings)));
    }

    /// Whether fewer tasks run of a queue that bounds them, as far as its settings are known.
    pub(crate) fn frees_slot(&self) -> bool {
        let mut bounded = self.queues.values().filter(|queue| queue.concurrency.is_some());
        bounded.any(|queue| self.counters.so_far(queue.id).leased < 0)
    }

    /// Reads the settings of a queue anew, which an operation has changed.
    pub(crate) fn forget_queue(&mut self, id: i32) {
        self.queues.remove(&id);
    }

    /// Lets all processes read settings anew, once it is committed.
    pub(crate) fn forget_settings(&mut self) {
        self.shared.forget_settings();
        self.changes_settings = true;
    }

    /// Advances the virtual time of a queue.
    pub(crate) fn set_virtual_time(&mut self, id: i32, virtual_time: i64) -> Result<()> {
        let Some(settings) = self.queues.get_mut(&id) else { return Ok(()) };
        let before = settings.virtual_number;
        (settings.virtual_time, settings.virtual_number) = (virtual_time, before + 1);
        self.execute(queues::SET_VIRTUAL_TIME, &[&id, &before, &virtual_time])
    }

    /// The queue of a lane that has tasks. There is none if the lane was lost with a server while a task of it was kept.
    pub(crate) fn queue_of(&mut self, lane: i32) -> Result<Option<i32>> {
        let shared = self.shared;
        let known = || shared.lanes().named(lane).map(|lane| lane.queue);
        let found = known();
        if found.is_some() || self.orphaned.contains(&lane) {
            return Ok(found);
        }
        // It may have been added since this transaction began.
        self.refresh_lanes()?;
        let queue = known();
        if queue.is_none() && self.orphaned.insert(lane) {
            self.shared.log.add(move || {
                tracing::error!(
                    lane,
                    "tasks have a type that the database has lost, so that nobody runs them: \
                     give those in prismq.task another lane, or delete them"
                );
            });
        }
        Ok(queue)
    }

    /// Whether a limit or a key counts the tasks of a lane.
    pub(crate) fn is_limited(&self, lane: i32) -> bool {
        self.shared.lanes().named(lane).is_some_and(|lane| lane.is_limited)
    }

    /// The lane of a task that is to be added, which was made before the transaction if there is room.
    pub(crate) fn lane_of(&self, task: &NewTask) -> Result<Lane> {
        let lane = self.shared.lanes().of(task);
        lane.ok_or_else(|| Error::TooManyNames { queue: task.queue.to_string() })
    }

    /// The id of the next task that is added.
    pub(crate) fn take_id(&mut self) -> Result<i64> {
        self.ids.pop_front().ok_or_else(|| queues::missing("the id of a task"))
    }

    /// Takes ids for so many more tasks.
    pub(crate) fn reserve_ids(&mut self, tasks: usize) -> Result<()> {
        let tasks = i32::try_from(tasks).unwrap_or(i32::MAX);
        let ids: Vec<i64> = self.row(IDS, &[&tasks])?.column(0)?;
        self.ids.extend(ids);
        Ok(())
    }

    /// Reads anew when something is due.
    pub(crate) fn next_due(&mut self) -> Result<Due> {
        let Starts { scheduled, expiry, deadline } = self.due_from;
        let row = self.row(NEXT_DUE, &[&Rule::HAS_CRON, &scheduled, &expiry, &deadline])?;
        Due::read(&row, 0)
    }

    /// Refuses a lease of another database.
    pub(crate) fn refuse_foreign(&self, key: &LeaseKey) -> Result<()> {
        match LeaseNote::from(key.note).database == self.number {
            true => Ok(()),
            false => Err(Error::ForeignLease { id: key.id, token: key.token }),
        }
    }

    /// A task becomes ready: its own claims look for it from now on, and those of others once it is committed.
    pub(crate) fn add(&mut self, lane: i32, place: Place) {
        self.shared.marks().added(lane, place);
        self.added.entry(lane).and_modify(|first| *first = place.min(*first)).or_insert(place);
    }

    /// The same for the rows of a statement: the id is in the first column, the lane at column `place`, and the order key in
    /// the column after that, NULL unless the task is ready.
    pub(crate) fn add_ready(&mut self, rows: &[Row], place: usize) -> Result<()> {
        for row in rows {
            if let Some(key) = row.column(place + 1)? {
                self.add(row.column(place)?, (key, row.column(0)?));
            }
        }
        Ok(())
    }

    /// The same for tasks anywhere.
    pub(crate) fn add_anywhere(&mut self) {
        self.shared.marks().forget();
        self.added_anywhere = true;
    }

    /// Has a line written to the log if the transaction is committed.
    pub(crate) fn log_on_commit(&mut self, line: impl FnOnce() + Send + 'static) {
        self.log.push(Box::new(line));
    }

    /// Deletes what is beyond the history of queues that have completed tasks, writes the counters and commits: nothing
    /// may follow.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if !self.is_committed {
            self.commit()?;
        }
        self.end_looks();
        Ok(())
    }

    /// The lines of the log that depend on its commit, to be written once that is known.
    pub(crate) fn take_log(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.log)
    }

    /// A claim looks for tasks of these lanes.
    pub(crate) fn begin_look(&mut self, lanes: &[i32]) {
        let look = self.shared.marks().begin_look(lanes);
        self.looks.push((lanes.to_vec(), look));
    }

    /// A claim looks for turns in a lane.
    pub(crate) fn begin_look_for_turns(&mut self, lane: i32) {
        let look = self.shared.turns().begin_look(&[lane]);
        self.looks_for_turns.push((lane, look));
    }

    /// What its claims have seen is noted. Those of others that were made meanwhile have not seen what it adds.
    fn end_looks(&mut self) {
        if !self.looks_for_turns.is_empty() {
            let mut turns = self.shared.turns();
            self.looks_for_turns.drain(..).for_each(|(lane, look)| turns.end_look(&[lane], look));
        }
        if self.looks.is_empty() && self.added.is_empty() && !self.added_anywhere {
            return;
        }
        let mut marks = self.shared.marks();
        self.looks.drain(..).for_each(|(lanes, look)| marks.end_look(&lanes, look));
        if self.added_anywhere {
            marks.forget();
        }
        self.added.iter().for_each(|(lane, first)| marks.added(*lane, *first));
    }

    fn commit(&mut self) -> Result<()> {
        // What other clients keep meanwhile they leave to whoever prunes.
        let most = |kept| super::STEP_TASKS_MAX + 4 * kept;
        let kept = self.counters.with_more_kept();
        let kept: Vec<_> = kept.into_iter().map(|(queue, kept)| (queue, most(kept))).collect();
        if !kept.is_empty() {
            self.write_counters();
            self.prune(&kept)?;
        }
        let add = self.shared.statements.text(counters::ADD);
        let rows: Vec<counters::Row> =
            self.counters.take().into_iter().map(counters::Row::new).collect();
        let values: Vec<Vec<&dyn Value>> = rows.iter().map(counters::Row::values).collect();
        let mut statements: Vec<Statement<'_>> =
            values.iter().map(|row| (&*add, row.as_slice())).collect();
        let write = self.shared.statements.text(limits::WRITE);
        let changes = self.limits.take(&self.shared.turns());
        let of_limits = changes.as_ref().map(limits::Changes::values);
        let before = statements.len();
        statements.extend(of_limits.iter().map(|values| (&*write, values.as_slice())));
        let raise = self.shared.statements.text(cached::RAISE);
        if self.changes_settings {
            statements.push((&raise, &[]));
        }
        let after = statements.len() - before;
        let answers = self.send(&statements, true)?;
        if let (Some(changes), Some(rows)) = (&changes, answers.get(before)) {
            changes.wrote(&mut self.shared.turns(), rows, self.took(1, after - 1))?;
        }
        Ok(())
    }

    /// Writes the counters so far, before the next statement.
    pub(crate) fn write_counters(&mut self) {
        for change in self.counters.take() {
            self.limits.count_leased(change.0, change.1.leased);
            let row = counters::Row::new(change);
            self.put_off(counters::ADD, &row.values());
        }
    }
}
