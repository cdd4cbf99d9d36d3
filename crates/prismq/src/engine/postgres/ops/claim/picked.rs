//! Leasing picked tasks, and writing what was taken of limits and keys, in one round trip.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::leases::{self, Taken};
use super::limited::Picked;
use super::lines::write::{SET_KEYS, SET_LINES, SET_TURNS};
use super::lines::{Keys, Lines};
use super::take::{count, lease};
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::limits::SET_ARRIVALS;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Value;
use crate::model::{Claim, Result};

/// Leases picked tasks that are still ready and that nobody else has locked, such as a transaction of the application's
/// that changes one.
pub(crate) const LEASE: &str = lease!(
    "SELECT r.ctid FROM unnest($1::integer[], $2::boolean[], $3::bigint[], $4::bigint[]) k (lane, suspect, order_key, id)
         JOIN prismq.ready r ON r.lane = ANY (ARRAY[k.lane]) AND r.suspect = k.suspect AND r.order_key = k.order_key AND r.id = k.id
     LIMIT $5 FOR UPDATE OF r SKIP LOCKED"
);
/// Records the slots of tasks that were leased.
pub(crate) const SLOTS: &str = "INSERT INTO prismq.slot (task, limits, key)
     SELECT k.* FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) k (task, limits, key)
     WHERE (SELECT t.state FROM prismq.task t WHERE t.id = k.task) = 2 ON CONFLICT DO NOTHING";

impl Run<'_, '_> {
    /// Leases the picked tasks, and writes what was taken of limits and keys.
    pub(super) fn lease_picked(
        &mut self,
        claim: &Claim,
        lanes: &[(Lane, Arc<str>)],
        picked: &[Picked],
        (lines, keys): (&mut [Lines], Keys),
    ) -> Result<Vec<Taken>> {
        let now = self.now.monotonic.as_micros();
        let keys = keys.changes(lines, now);
        let turns = Lines::changes(lines, &keys);
        if picked.is_empty() && turns.is_empty() && keys.is_empty() {
            return Ok(Vec::new());
        }
        let until = self.now.after(claim.lease);
        let owners: Vec<i32> = picked.iter().map(|picked| picked.place.owner).collect();
        let suspects: Vec<bool> = picked.iter().map(|picked| picked.place.suspect).collect();
        let order_keys: Vec<i64> = picked.iter().map(|picked| picked.place.order_key).collect();
        let ids: Vec<i64> = picked.iter().map(|picked| picked.place.id).collect();
        let (all, floor, expires_at) =
            (count(picked.len()), self.token_floor, until.monotonic.as_micros());
        let (begun_max, suspects_begin) = (count(claim.begun_max), claim.begun_max < usize::MAX);
        let lease: [&dyn Value; 9] = [
            &owners,
            &suspects,
            &order_keys,
            &ids,
            &all,
            &floor,
            &expires_at,
            &begun_max,
            &suspects_begin,
        ];
        let limited: Vec<&Picked> = picked.iter().filter(|picked| picked.limit != 0).collect();
        let slots: Vec<i64> = limited.iter().map(|picked| picked.place.id).collect();
        let slot_limits: Vec<i32> = limited.iter().map(|picked| picked.limit).collect();
        let slot_keys: Vec<Option<i64>> = limited.iter().map(|picked| picked.key).collect();
        let slots: [&dyn Value; 3] = [&slots, &slot_limits, &slot_keys];
        let arrivals = self.limits.take_arrivals();
        let of_limits = arrivals.values();
        let (of_keys, of_lines, of_turns) = (keys.values(), turns.of_lines(), turns.of_turns());
        let mut statements: Vec<(&'static str, &[&dyn Value])> = Vec::with_capacity(6);
        statements.push((LEASE, &lease));
        if !limited.is_empty() {
            statements.push((SLOTS, &slots));
        }
        if !arrivals.is_empty() {
            statements.push((SET_ARRIVALS, &of_limits));
        }
        if !keys.is_empty() {
            statements.push((SET_KEYS, &of_keys));
        }
        if !turns.is_empty() {
            statements.extend([(SET_LINES, of_lines.as_slice()), (SET_TURNS, of_turns.as_slice())]);
        }
        let mut answers = self.query_all(&statements)?.into_iter();
        let rows = answers.next().unwrap_or_default();
        let mut taken = Vec::with_capacity(rows.len());
        leases::read(self, &rows, lanes, &claim.queue, until, &mut taken)?;
        let places: HashMap<i64, usize> = ids.into_iter().zip(0..).collect();
        let leased: HashSet<i64> = taken.iter().map(|taken| taken.lease.key.id.as_i64()).collect();
        // A task that is let go again needs to be asked for.
        for missing in picked.iter().filter(|picked| !leased.contains(&picked.place.id)) {
            self.limits.added(missing.key.map(|_| missing.place.owner));
        }
        taken.sort_unstable_by_key(|taken| places.get(&taken.lease.key.id.as_i64()).copied());
        Ok(taken)
    }
}
