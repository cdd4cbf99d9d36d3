//! Claiming from several queues: from each in turn its share, then from each in turn what the others left. A queue that
//! had fewer tasks than it was asked for is not asked again.

use crate::engine::Claimed;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Claim, ClaimBounds, Result};
use crate::time::Moment;

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

impl Writer {
    /// Leases tasks of several queues, within these bounds in all; the result of each claim.
    pub(crate) fn claim_each(
        &mut self,
        now: Moment,
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
                let claimed = self.claim(now, &claim)?;
                part.add(claimed, asked);
            }
        }
        let none_is_short = parts.iter().all(|part| !part.is_short);
        if left_of(bounds, &parts).tasks > 0
            && none_is_short
            && let Some(first) = parts.first_mut()
        {
            // Each has given as much as it may, and none has looked at when there is more.
            first.claimed.next_due = self.next_due(now)?;
            first.claimed.version = self.data_version()?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::sqlite::tests::{NOW, writer};
    use crate::engine::sqlite::writer::Writer;
    use crate::engine::{Answer, Claimed, Operation};
    use crate::model::{Claim, ClaimBounds, NewTask};
    use crate::time::ManualClock;

    const ANY: ClaimBounds =
        ClaimBounds { tasks: 9, begun: 0, suspects: usize::MAX, limited: usize::MAX };

    fn of(queue: &str, tasks: usize) -> Vec<NewTask> {
        vec![NewTask::new("job", []).queue(queue); tasks]
    }

    fn claim(queue: &str, max: usize, share: usize) -> Claim {
        Claim::new(["job"]).queue(queue).max(max).share(share)
    }

    fn with(tasks: Vec<NewTask>) -> (tempfile::TempDir, Writer) {
        let (folder, mut writer) = writer();
        writer.apply(&ManualClock::new(NOW), &[Operation::Enqueue(tasks)]).unwrap();
        (folder, writer)
    }

    fn claimed(writer: &mut Writer, claims: Vec<Claim>, bounds: ClaimBounds) -> Vec<Claimed> {
        let operation = Operation::ClaimEach { claims, bounds };
        let answer = writer.apply(&ManualClock::new(NOW), &[operation]).unwrap().remove(0);
        let Ok(Answer::ClaimedEach(claimed)) = answer else { panic!("{answer:?}") };
        claimed
    }

    fn counts(claimed: &[Claimed]) -> Vec<usize> {
        claimed.iter().map(|claimed| claimed.leases.len()).collect()
    }

    #[test]
    fn a_queue_gives_what_those_before_it_leave() {
        let (_folder, mut writer) = with([of("a", 3), of("b", 9)].concat());
        let claims = vec![claim("a", 9, 9), claim("b", 9, 9)];
        let claimed = claimed(&mut writer, claims, ClaimBounds { tasks: 5, ..ANY });
        assert_eq!(counts(&claimed), [3, 2]);
        assert!(claimed[0].leases.iter().all(|lease| lease.queue() == "a"));
        assert!(claimed[1].leases.iter().all(|lease| lease.queue() == "b"));
    }

    #[test]
    fn queues_give_their_shares_and_then_what_others_have_not() {
        for (of_a, expected) in [(9, [6, 3]), (2, [2, 7])] {
            let (_folder, mut writer) = with([of("a", of_a), of("b", 20)].concat());
            let claims = vec![claim("a", 9, 6), claim("b", 9, 3)];
            assert_eq!(counts(&claimed(&mut writer, claims, ANY)), expected);
        }
    }

    #[test]
    fn the_bounds_of_all_hold_and_those_of_each() {
        let limited = |queue| NewTask::new("job", []).queue(queue).key("k");
        let tasks = vec![limited("a"), limited("a"), limited("b"), limited("b")];
        let (_folder, mut writer) = with(tasks);
        let claims = vec![claim("a", 9, 9).limited_max(1), claim("b", 9, 9)];
        let claimed = claimed(&mut writer, claims, ClaimBounds { limited: 2, ..ANY });
        assert_eq!(counts(&claimed), [1, 1]);
        assert!(claimed.iter().all(|claimed| claimed.limited_left));
    }

    #[test]
    fn queues_that_give_as_much_as_they_may_say_when_more_is_due() {
        let later = NewTask::new("job", []).delay(Duration::from_secs(60));
        let (_folder, mut writer) = with([of("a", 3), vec![later]].concat());
        let claimed = claimed(&mut writer, vec![claim("a", 1, 1)], ANY);
        assert_eq!(counts(&claimed), [1]);
        assert_eq!(claimed[0].next_due, Some(NOW.after(Duration::from_secs(60))));
    }

    #[test]
    fn a_claim_from_empty_queues_writes_nothing() {
        let (_folder, mut writer) = with(of("other", 1));
        let before =
            writer.contention.write_transactions.load(std::sync::atomic::Ordering::Relaxed);
        let claims = vec![claim("a", 9, 9), claim("b", 9, 9)];
        assert_eq!(counts(&claimed(&mut writer, claims, ANY)), [0, 0]);
        let after = writer.contention.write_transactions.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(after, before);
    }
}
