//! Claiming from several queues: from each in turn its share, then from each in turn what the others left. A queue that
//! had fewer tasks than it was asked for is not asked again.

use crate::engine::Claimed;
use crate::engine::postgres::batch::run::Run;
use crate::model::{Claim, ClaimBounds, Result};

/// What one queue has given so far.
#[derive(Debug, Default)]
struct Part {
    claimed: Claimed,
    /// Whether it had fewer tasks than it was asked for.
    is_short: bool,
}

impl Part {
    /// Adds what another claim from the same queue returned, which is newer.
    fn add(&mut self, more: Claimed, asked: usize) {
        self.is_short = more.leases.len() < asked;
        let mut leases = std::mem::take(&mut self.claimed.leases);
        leases.extend(more.leases);
        self.claimed = Claimed { leases, ..more };
    }

    const fn taken(&self) -> usize {
        self.claimed.leases.len()
    }

    fn suspects(&self) -> usize {
        self.claimed.leases.iter().filter(|lease| lease.suspect).count()
    }

    fn limited(&self) -> usize {
        self.claimed.leases.iter().filter(|lease| lease.key.limited).count()
    }
}

impl Run<'_, '_> {
    /// Leases tasks of several queues, within these bounds in all; the result of each claim.
    pub(crate) fn claim_each(
        &mut self,
        claims: &[Claim],
        bounds: ClaimBounds,
    ) -> Result<Vec<Claimed>> {
        let mut parts: Vec<Part> = claims.iter().map(|_| Part::default()).collect();
        for shares_only in [true, false] {
            for (index, claim) in claims.iter().enumerate() {
                let left = left_of(bounds, &parts);
                let Some(part) = parts.get_mut(index).filter(|part| !part.is_short) else {
                    continue;
                };
                let most = if shares_only { claim.max.min(claim.share) } else { claim.max };
                let asked = most.saturating_sub(part.taken()).min(left.tasks);
                if asked == 0 {
                    continue;
                }
                let begun = claim.begun_max.saturating_sub(part.taken()).min(left.begun);
                let suspects = claim.suspects_max.saturating_sub(part.suspects());
                let limited = claim.limited_max.saturating_sub(part.limited());
                let claim = claim
                    .clone()
                    .max(asked)
                    .begun_max(begun)
                    .suspects_max(suspects.min(left.suspects))
                    .limited_max(limited.min(left.limited));
                let claimed = self.claim(&claim)?;
                part.add(claimed, asked);
            }
        }
        let none_is_short = parts.iter().all(|part| !part.is_short);
        if left_of(bounds, &parts).tasks > 0
            && none_is_short
            && let Some(first) = parts.first_mut()
        {
            // Each has given as much as it may, and none has looked at when there is more.
            first.claimed.next_due = self.first_due()?;
            first.claimed.version = self.version;
        }
        Ok(parts.into_iter().map(|part| part.claimed).collect())
    }
}

/// What may still be taken.
fn left_of(bounds: ClaimBounds, parts: &[Part]) -> ClaimBounds {
    let sum = |of: fn(&Part) -> usize| parts.iter().map(of).sum::<usize>();
    ClaimBounds {
        tasks: bounds.tasks.saturating_sub(sum(Part::taken)),
        begun: bounds.begun.saturating_sub(sum(Part::taken)),
        suspects: bounds.suspects.saturating_sub(sum(Part::suspects)),
        limited: bounds.limited.saturating_sub(sum(Part::limited)),
    }
}
