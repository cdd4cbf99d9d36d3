//! Taking ready tasks: a seek into each lane, merged by order key, and the lease of what was found, in one statement.

mod leases;
mod several;
mod take;

use std::sync::Arc;

use self::leases::Taken;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::engine::{AT_ONCE, Claimed};
use crate::model::{Claim, Lease, Result};
use crate::time::Timestamp;

impl Run<'_, '_> {
    /// Leases up to the asked number of tasks, in order.
    pub(crate) fn claim(&mut self, claim: &Claim) -> Result<Claimed> {
        let version = self.version;
        let lanes = self.shared.lanes().serving(claim);
        let Some((lane, _)) = lanes.first() else {
            return Ok(Claimed { next_due: self.first_due()?, version, ..Claimed::default() });
        };
        let settings = self.queue(lane.queue)?;
        if settings.paused {
            let next_due = self.first_due()?;
            return Ok(Claimed { next_due, version, paused: true, ..Claimed::default() });
        }
        let (taken, mut more) = self.take_in_time(claim, &lanes, settings)?;
        let found = taken.len();
        let leases = self.fit(taken, claim.bytes_max)?;
        more |= leases.len() < found;
        if leases.len() == claim.max {
            return Ok(Claimed { leases, version, ..Claimed::default() });
        }
        let next_due = if more { Some(AT_ONCE) } else { self.first_due()? };
        Ok(Claimed { leases, next_due, version, ..Claimed::default() })
    }

    /// Leases tasks, without those that had to start earlier, and whether more may be ready.
    fn take_in_time(
        &mut self,
        claim: &Claim,
        lanes: &[(Lane, Arc<str>)],
        settings: Settings,
    ) -> Result<(Vec<Taken>, bool)> {
        let mut taken = self.take(claim, lanes, settings)?;
        if let Some(last) = taken.last() {
            let time = settings.order.time_after(settings.virtual_time, last.lease.order_key);
            if time != settings.virtual_time {
                self.set_virtual_time(settings.id, time)?;
            }
        }
        let tasks = i64::try_from(taken.len()).unwrap_or(i64::MAX);
        let counters = self.counters.of(settings.id);
        counters.ready -= tasks;
        counters.leased += tasks;
        let now = self.now.monotonic;
        let late = taken.extract_if(.., |taken| taken.lease.is_late(now));
        let late: Vec<i64> = late.map(|taken| taken.lease.key.id.as_i64()).collect();
        self.end_late(&late)?;
        Ok((taken, !late.is_empty()))
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
        self.put_back(&released)?;
        Ok(leases)
    }

    /// When a claim may find a task again.
    fn first_due(&mut self) -> Result<Option<Timestamp>> {
        if self.inbox.waits {
            return Ok(Some(AT_ONCE));
        }
        let due = self.next_due()?.first();
        Ok(due.into_iter().chain(self.next_look_at_held()).min())
    }
}
