//! Taking tasks where limits or keys count some: the first ready ones over all lanes that may start, by the order of their
//! queue, and in a lane of keys by their turns. The limits of the lanes are locked.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use tokio_postgres::Row;

use super::admission::Admission;
use super::leases::Taken;
use super::lines::read::{DUE, HINTS, HINTS_MAX};
use super::lines::{Keys, Lines};
use super::looks::Looks;
use super::take::count;
use crate::engine::postgres::batch::lanes::{Keyed, Lane};
use crate::engine::postgres::batch::lease_note::LeaseNote;
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::model::{Claim, Result};

/// The first ready tasks of lanes or lines after a place in each, in the order that begins at a key and wraps around, and
/// the first suspects.
macro_rules! first_tasks {
    ($columns:literal, $from:expr, $lock:literal) => {
        concat!(
            "SELECT q.lane, q.suspect, q.order_key, q.id",
            $columns,
            " FROM ",
            $from,
            " CROSS JOIN LATERAL (
         SELECT * FROM (SELECT lane, suspect, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND NOT suspect AND (order_key, id) > (l.after_key, l.after_id)
             ORDER BY lane, suspect, order_key, id LIMIT $3",
            $lock,
            ") a UNION ALL SELECT * FROM (SELECT lane, suspect, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND NOT suspect AND order_key < $2
             ORDER BY lane, suspect, order_key, id LIMIT $3",
            $lock,
            ") b UNION ALL SELECT * FROM (SELECT lane, suspect, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND suspect AND order_key >= $2
             ORDER BY lane, suspect, order_key, id LIMIT $4",
            $lock,
            ") c UNION ALL SELECT * FROM (SELECT lane, suspect, order_key, id FROM prismq.ready
             WHERE lane = l.lane AND suspect AND order_key < $2
             ORDER BY lane, suspect, order_key, id LIMIT $4",
            $lock,
            ") d) q"
        )
    };
}
pub(super) use first_tasks;

macro_rules! in_lanes {
    () => {
        "unnest($1::integer[], $5::bigint[], $6::bigint[]) l (lane, after_key, after_id)"
    };
}

/// Of lanes that no limit counts: locked, and those that others are taking are passed over.
pub(crate) const FREE: &str = first_tasks!("", in_lanes!(), " FOR UPDATE SKIP LOCKED");
/// Of lanes or lines under limits that are locked, so that nobody else takes any.
pub(crate) const OF_LIMITED: &str = first_tasks!("", in_lanes!(), "");

/// Where a ready task stands: the number of its lane or line, and its position there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) owner: i32,
    pub(super) suspect: bool,
    pub(super) order_key: i64,
    pub(super) id: i64,
}

impl Place {
    pub(super) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            owner: row.column(0)?,
            suspect: row.column(1)?,
            order_key: row.column(2)?,
            id: row.column(3)?,
        })
    }

    /// Where a task stood that was taken; under its lane if it has a key.
    fn of(Taken { lease, .. }: &Taken) -> Self {
        let owner = LeaseNote::from(lease.key.note).lane;
        let (suspect, order_key, id) = (lease.suspect, lease.order_key, lease.key.id.as_i64());
        Self { owner, suspect, order_key, id }
    }

    /// Its place in the order that begins at this key.
    pub(super) const fn rank(&self, first_key: i64) -> (u64, i64) {
        (self.order_key.wrapping_sub(first_key).cast_unsigned(), self.id)
    }
}

/// Where tasks of a lane come from.
#[derive(Debug)]
enum Tasks {
    /// Its ready tasks, suspects among them, in order, and whether there may be more.
    InOrder { places: VecDeque<Place>, has_more: bool },
    /// Its keys in turn.
    ByKey(Lines),
}

#[derive(Debug)]
struct Source {
    lane: Lane,
    tasks: Tasks,
}

/// A task to be leased, with its limit and its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picked {
    pub(super) place: Place,
    pub(super) limit: i32,
    pub(super) key: Option<i64>,
}

impl Run<'_, '_> {
    /// Leases the first ready tasks over all lanes that their limits let start, `max` at most.
    pub(super) fn take_admitted(
        &mut self,
        (claim, max): (&Claim, usize),
        lanes: &[(Lane, Arc<str>)],
        settings: Settings,
        admission: &mut Admission,
    ) -> Result<Vec<Taken>> {
        let (mut looks, mut turns) = (Looks::for_tasks(self, settings), Looks::for_turns(self));
        let (sources, keys, picked) = loop {
            let mut keys = Keys::default();
            let known = (&mut *admission, &mut keys);
            let mut sources = self.sources((claim, max), lanes, (&mut looks, &mut turns), known)?;
            let known = (&mut *admission, &mut keys);
            let picked = self.pick((claim, max), &mut sources, looks.first_key, known);
            let spared_some = looks.spared_some() || turns.spared_some();
            if !picked.is_empty() || !spared_some || claim.may_leave_ready {
                break (sources, keys, picked);
            }
            looks.begin_at_first();
            turns.begin_at_first();
        };
        if picked.len() < max {
            // What is before the marks is looked for later.
            self.spared_look = looks.ends_in(self).into_iter().chain(turns.ends_in(self)).min();
        }
        let mut lines: Vec<Lines> = Vec::new();
        let mut seen = Vec::new();
        for Source { lane, tasks } in sources {
            match tasks {
                Tasks::InOrder { places, has_more } => {
                    seen.push((lane.id, !has_more && places.iter().all(|place| place.suspect)));
                }
                Tasks::ByKey(of_lane) => {
                    admission.more |= picked.len() < max && of_lane.has_more();
                    lines.push(of_lane);
                }
            }
        }
        let taken = self.lease_picked(claim, lanes, &picked, (&mut lines, keys))?;
        looks.took(self, taken.iter().map(Place::of), &seen);
        lines.iter().for_each(|lines| turns.left_turn(self, lines.lane(), lines.first_turn()));
        Ok(taken)
    }

    /// Reads the first tasks of each lane whose limit has room.
    fn sources(
        &mut self,
        (claim, max): (&Claim, usize),
        lanes: &[(Lane, Arc<str>)],
        (looks, turns): (&mut Looks, &mut Looks),
        (admission, keys): (&mut Admission, &mut Keys),
    ) -> Result<Vec<Source>> {
        let first_key = looks.first_key;
        let now = admission.now;
        let (mut free, mut limited, mut keyed) = (Vec::new(), Vec::new(), Vec::new());
        for (lane, _) in lanes {
            if !self.limits.has_room(*lane, now) {
                // Says when its rate lets a task start.
                self.admits(*lane, admission);
            } else if lane.keyed != Keyed::No {
                keyed.push(*lane);
            } else if lane.is_limited() {
                limited.push(*lane);
            } else {
                free.push(*lane);
            }
        }
        let ids = |lanes: &[Lane]| lanes.iter().map(|lane| lane.id).collect::<Vec<i32>>();
        let (free_ids, limited_ids, keyed_ids) = (ids(&free), ids(&limited), ids(&keyed));
        let keyed_limits: Vec<i32> = keyed.iter().map(|lane| lane.limit).collect();
        let most_limited = admission.most_of(max);
        free_ids.iter().chain(&limited_ids).for_each(|lane| self.begin_look(&[*lane]));
        keyed_ids.iter().for_each(|lane| self.begin_look_for_turns(*lane));
        let suspects = |most: usize| count(claim.suspects_max.min(most));
        let (of_free, of_limited) = (count(max), count(most_limited));
        let (free_suspects, limited_suspects) = (suspects(max), suspects(most_limited));
        let (after_free, after_limited) =
            (looks.begin(self, &free_ids), looks.begin(self, &limited_ids));
        let from_free: [&dyn Value; 6] =
            [&free_ids, &first_key, &of_free, &free_suspects, &after_free.keys, &after_free.ids];
        let from_limited: [&dyn Value; 6] = [
            &limited_ids,
            &first_key,
            &of_limited,
            &limited_suspects,
            &after_limited.keys,
            &after_limited.ids,
        ];
        let from_turns = turns.begin(self, &keyed_ids).keys;
        let (marked_lanes, marked_turns) = self.shared.turns().of_single_lanes(Instant::now());
        let due: [&dyn Value; 4] = [&keyed_limits, &now, &marked_lanes, &marked_turns];
        let hints: [&dyn Value; 3] = [&keyed_ids, &HINTS_MAX, &from_turns];
        let mut statements: Vec<(&'static str, &[&dyn Value])> = Vec::with_capacity(4);
        if !keyed.is_empty() {
            statements.extend([(DUE, due.as_slice()), (HINTS, hints.as_slice())]);
        }
        let before = statements.len();
        if !free.is_empty() {
            statements.push((FREE, &from_free));
        }
        if !limited.is_empty() {
            statements.push((OF_LIMITED, &from_limited));
        }
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = self.query_all(&statements)?;
        let rows: Vec<Row> = answers.drain(before.min(answers.len())..).flatten().collect();
        let hinted = answers.pop().unwrap_or_default();
        let of_lanes = statements.len() - before;
        turns.looked(self, &keyed_ids, (self.took(1, of_lanes), hinted.len()));
        let found = (self.took(of_lanes, 0), rows.len());
        looks.looked(self, &free_ids, found);
        looks.looked(self, &limited_ids, found);
        let mut in_order: HashMap<i32, Vec<Place>> = HashMap::new();
        for row in &rows {
            let place = Place::read(row)?;
            in_order.entry(place.owner).or_default().push(place);
        }
        let mut sources = Vec::with_capacity(lanes.len());
        let free = free.into_iter().map(|lane| (lane, max));
        for (lane, most) in free.chain(limited.into_iter().map(|lane| (lane, most_limited))) {
            let mut places = in_order.remove(&lane.id).unwrap_or_default();
            places.sort_unstable_by_key(|place| place.rank(first_key));
            let has_more = places.iter().filter(|place| !place.suspect).count() >= most;
            sources
                .push(Source { lane, tasks: Tasks::InOrder { places: places.into(), has_more } });
        }
        for lane in keyed {
            let mut lines = Lines::new(lane, &hinted)?;
            self.read_lines(
                &mut lines,
                keys,
                (most_limited, claim.suspects_max),
                (first_key, now),
            )?;
            sources.push(Source { lane, tasks: Tasks::ByKey(lines) });
        }
        Ok(sources)
    }

    /// Picks the first tasks that may start.
    fn pick(
        &mut self,
        (claim, max): (&Claim, usize),
        sources: &mut [Source],
        first_key: i64,
        (admission, keys): (&mut Admission, &mut Keys),
    ) -> Vec<Picked> {
        let now = admission.now;
        let mut suspects_left = claim.suspects_max;
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (index, source) in sources.iter_mut().enumerate() {
            let first = source.tasks.next(keys, now, suspects_left > 0);
            heads.extend(first.map(|place| Reverse((place.rank(first_key), index))));
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((_, index))) = heads.pop()
        {
            let Some(Source { lane, tasks }) = sources.get_mut(index) else { continue };
            if !self.admits(*lane, admission) {
                continue;
            }
            if let Some((place, key)) = tasks.take(keys, now, suspects_left > 0) {
                suspects_left -= usize::from(place.suspect);
                picked.push(Picked { place, limit: lane.limit, key });
                self.take_of(*lane, admission);
            }
            let next = tasks.next(keys, now, suspects_left > 0);
            heads.extend(next.map(|place| Reverse((place.rank(first_key), index))));
        }
        picked
    }
}

impl Tasks {
    /// The task that comes next, a suspect only if those may be taken.
    fn next(&mut self, keys: &mut Keys, now: i64, suspects: bool) -> Option<Place> {
        match self {
            Self::InOrder { places, .. } => {
                while !suspects && places.front().is_some_and(|place| place.suspect) {
                    places.pop_front();
                }
                places.front().copied()
            }
            Self::ByKey(lines) => lines.find_next(keys, now, suspects),
        }
    }

    /// Takes the task that came next, unless another took what it was to have; and its key.
    fn take(&mut self, keys: &mut Keys, now: i64, suspects: bool) -> Option<(Place, Option<i64>)> {
        match self {
            Self::InOrder { places, .. } => {
                let is_allowed = |place: &mut Place| suspects || !place.suspect;
                places.pop_front_if(is_allowed).map(|place| (place, None))
            }
            Self::ByKey(lines) => {
                lines.take(keys, now, suspects).map(|(place, key)| (place, Some(key)))
            }
        }
    }
}
