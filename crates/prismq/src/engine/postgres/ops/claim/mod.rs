//! Taking ready tasks: a seek into each lane, merged by order key, and the lease of what was found, in one statement
//! ([`take`]). Where limits or keys count some of the tasks, they are picked before they are leased ([`limited`]). Where
//! nothing else has to be done before, one statement is the whole transaction ([`autocommit`]).

pub(crate) mod admission;
pub(crate) mod autocommit;
mod leases;
pub(crate) mod limited;
pub(crate) mod lines;
mod looks;
pub(crate) mod picked;
mod several;
mod take;

use std::sync::Arc;
use std::time::Duration;

use self::admission::Admission;
use self::leases::Taken;
use self::lines::read::FIRST_DUE;
use crate::engine::postgres::batch::lanes::{Keyed, Lane};
use crate::engine::postgres::batch::looks::due::Starts;
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, NewWork};
use crate::engine::{AT_ONCE, Claimed};
use crate::model::{Claim, Lease, Result};
use crate::time::Timestamp;

/// When due slots are looked at again that others have locked.
const SLOTS_AGAIN: Duration = Duration::from_secs(1);

impl Run<'_, '_> {
    /// Leases up to the asked number of tasks, in order.
    pub(crate) fn claim(&mut self, claim: &Claim) -> Result<Claimed> {
        self.spared_look = None;
        let version = self.version;
        let lanes = match &self.autocommit {
            Some(leased) => leased.lanes.clone(),
            None => self.shared.lanes().serving(claim),
        };
        let Some((lane, _)) = lanes.first() else {
            return Ok(Claimed { next_due: self.first_due()?, version, ..Claimed::default() });
        };
        let settings = self.queue(lane.queue)?;
        if settings.paused {
            let next_due = self.first_due()?;
            return Ok(Claimed { next_due, version, paused: true, ..Claimed::default() });
        }
        let now = self.now.monotonic.as_micros();
        let mut admission = Admission::new(claim, now);
        let slots = self.free_slots(settings, &mut admission);
        let (max, left) = within(claim, slots);
        let (taken, mut more) = match max {
            0 => (Vec::new(), false),
            max => self.take_in_time(claim, max, &lanes, settings, &mut admission)?,
        };
        let found = taken.len();
        let no_slot = slots.is_some_and(|slots| slots < claim.max && found == slots);
        let leases = self.fit(taken, claim.bytes_max)?;
        more |= leases.len() < found || admission.more;
        if leases.len() == claim.max {
            return Ok(Claimed { leases, version, ..Claimed::default() });
        }
        let limited_left = left || admission.left_some;
        let next_due = match more {
            true => Some(AT_ONCE),
            false => self.next_claim(&lanes, &admission)?,
        };
        let ready_left = self.spared_look.is_some();
        Ok(Claimed { leases, next_due, version, limited_left, ready_left, no_slot, paused: false })
    }

    /// Leases tasks, without those that had to start earlier, and whether more may be ready.
    fn take_in_time(
        &mut self,
        claim: &Claim,
        max: usize,
        lanes: &[(Lane, Arc<str>)],
        settings: Settings,
        admission: &mut Admission,
    ) -> Result<(Vec<Taken>, bool)> {
        let is_limited = lanes.iter().any(|(lane, _)| lane.is_limited());
        let mut taken = match is_limited {
            true => self.take_admitted((claim, max), lanes, settings, admission)?,
            false => self.take(claim, max, lanes, settings)?,
        };
        if let Some(last) = taken.last() {
            let time = settings.order.time_after(settings.virtual_time, last.lease.order_key);
            if time != settings.virtual_time {
                self.set_virtual_time(settings.id, time)?;
            }
        }
        if !taken.is_empty() {
            let expires_at = self.now.after(claim.lease).monotonic.as_micros();
            let first = self.due.expiry.map_or(expires_at, |first| first.min(expires_at));
            self.due.expiry = Some(first);
        }
        let now = self.now.monotonic;
        let late: Vec<Taken> = taken.extract_if(.., |taken| taken.lease.is_late(now)).collect();
        let has_late = !late.is_empty();
        if self.is_committed {
            // A later claim makes them dead letters, if it looks at all deadlines.
            if has_late {
                self.shared.horizon().forget();
            }
            self.to_put_back.extend(late.into_iter().map(|taken| taken.lease.key));
            return Ok((taken, has_late));
        }
        let tasks = i64::try_from(taken.len() + late.len()).unwrap_or(i64::MAX);
        let counters = self.counters.of(settings.id);
        counters.ready -= tasks;
        counters.leased += tasks;
        let late: Vec<i64> = late.iter().map(|taken| taken.lease.key.id.as_i64()).collect();
        self.end_late(&late)?;
        Ok((taken, has_late))
    }

    /// Keeps the first of these leases whose payloads fit, and releases the others; one alone always fits.
    fn fit(&mut self, taken: Vec<Taken>, bytes_max: usize) -> Result<Vec<Lease>> {
        let mut leases: Vec<Lease> = Vec::with_capacity(taken.len());
        let (mut bytes, mut full) = (0_usize, false);
        let mut released = Vec::new();
        for Taken { lease, bytes: size } in taken {
            full |= !leases.is_empty() && bytes.saturating_add(size) > bytes_max;
            if full {
                released.push(lease.key);
            } else {
                bytes = bytes.saturating_add(size);
                leases.push(lease);
            }
        }
        match self.is_committed {
            true => self.to_put_back.extend(released),
            false => {
                self.put_back(&released)?;
                // Others have passed over them.
                self.brought.add(NewWork::of_leases(&released));
            }
        }
        Ok(leases)
    }

    /// When a claim from these lanes may find a task again.
    fn next_claim(
        &mut self,
        lanes: &[(Lane, Arc<str>)],
        admission: &Admission,
    ) -> Result<Option<Timestamp>> {
        let due = self.first_due()?;
        let keyed = lanes.iter().filter(|(lane, _)| lane.keyed != Keyed::No);
        let limits: Vec<i32> = keyed.map(|(lane, _)| lane.limit).collect();
        let of_keys: Option<i64> = match limits.is_empty() {
            true => None,
            false => self.row(FIRST_DUE, &[&limits])?.column(0)?,
        };
        let starts = admission.next_start.into_iter().chain(of_keys);
        Ok(due.into_iter().chain(starts.map(Timestamp::from_micros)).min())
    }

    /// When a task may be ready again.
    fn first_due(&mut self) -> Result<Option<Timestamp>> {
        if self.inbox.waits {
            return Ok(Some(AT_ONCE));
        }
        // What others commit meanwhile raises the version, which is that of the transaction's begin.
        if !self.due_holds {
            self.due = self.next_due()?;
            self.due_holds = true;
        }
        let (now, mut due) = (self.now, self.due);
        if self.slots_wait {
            let again = now.wall.after(SLOTS_AGAIN).as_micros();
            due.slot = due.slot.map(|slot| slot.max(again));
        }
        let due = due.with_grace(self.expiry_grace).first(now);
        // What this look may have passed over is found then.
        let passed_over = match self.due_from {
            Starts::FIRST => None,
            // Forgotten meanwhile, as the session is new: at once.
            _ => Some(self.shared.horizon().ends_in(self.began).unwrap_or_default()),
        };
        let spared = passed_over.into_iter().chain(self.spared_look);
        let looks = spared.map(|wait| now.monotonic.after(wait));
        Ok(due.into_iter().chain(self.next_look_at_held()).chain(looks).min())
    }
}

/// How many tasks a claim may take of those whose queue lets so many more run, and whether the bound of a pool on tasks
/// that are counted keeps it from more.
fn within(claim: &Claim, slots: Option<usize>) -> (usize, bool) {
    match slots {
        None => (claim.max, false),
        Some(slots) => {
            let most = claim.max.min(slots);
            (most.min(claim.limited_max), most > claim.limited_max)
        }
    }
}
