//! When a claim may find something that it did not find before, and from when on it is looked for.
//!
//! Deleted rows stay in the indexes as long as any open transaction of the server may still see them, and a look from the
//! first row passes over all of them. Where that takes long, the following looks begin a moment before the first due row
//! that the last look found in that table. This lasts for twenty times as long as the slow look took, five seconds at most.
//! What a transaction adds that began long before its commit, or before the server's clock was set back, is found up to
//! that much later. A claim that finds nothing says that it may find something after that. The same holds for rows of the
//! inbox, by their ids.

use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::marks::{SLOW, SPARED, SPARED_MAX};
use crate::engine::postgres::client::Columns;
use crate::model::Result;
use crate::time::{Moment, Timestamp};

/// When what is scheduled, leased or has a time to live is to be looked at next.
pub(crate) const NEXT_DUE: &str =
    "SELECT (SELECT min(run_at) FROM prismq.scheduled WHERE run_at >= $2),
     (SELECT min(at) FROM prismq.expiry WHERE at >= $3), (SELECT min(at) FROM prismq.deadline WHERE at >= $4),
     (SELECT min(next_at) FROM prismq.schedule WHERE next_at IS NOT NULL AND (cron IS NULL OR $1))";

/// How long before what was due first, or the look at which nothing was, the next one begins: a transaction that began
/// earlier may add what was due before.
const LATE: Duration = Duration::from_secs(1);
/// The same for expired leases. It is shorter because each claim adds a row to this table: the rows of a whole second would
/// be too many to pass over. It is enough, as a lease ends long after its claim has recorded it.
const LATE_LEASE: Duration = Duration::from_millis(100);

/// The time at which a look begins in each table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Starts {
    pub(crate) scheduled: i64,
    pub(crate) expiry: i64,
    pub(crate) deadline: i64,
}

impl Starts {
    /// At the first row of each.
    pub(crate) const FIRST: Self =
        Self { scheduled: i64::MIN, expiry: i64::MIN, deadline: i64::MIN };
}

/// From when on looks begin, while those from the first row are avoided.
#[derive(Debug, Default)]
pub(crate) struct Horizon {
    from: Option<Starts>,
    /// The id before which no row of the inbox waited, as far as looks have shown.
    inbox_from: Option<i64>,
    /// The last id that a row of the inbox had a while ago: rows with earlier ones are there, but for those of slow
    /// transactions.
    inbox_settled: Option<i64>,
    /// The last that one had then.
    inbox_last: Option<(i64, Instant)>,
    /// When to look from the first again; `None` if that is quick.
    spared_until: Option<Instant>,
}

impl Horizon {
    /// From when on to look, and from which id on in the inbox.
    pub(crate) fn from(&mut self, now: Instant) -> (Starts, i64) {
        if self.spared_until.is_some_and(|until| until <= now) {
            (self.from, self.inbox_from, self.spared_until) = (None, None, None);
        }
        (self.from.unwrap_or(Starts::FIRST), self.inbox_from.unwrap_or(i64::MIN))
    }

    /// How long it takes until looks begin at the first row again, if this one did not.
    pub(crate) fn ends_in(&self, now: Instant) -> Option<Duration> {
        self.from?;
        Some(self.spared_until?.saturating_duration_since(now))
    }

    /// What was shown may be undone, or the server is another.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A look that began there took this long, and found this to be due next.
    pub(crate) fn looked(
        &mut self,
        from: Starts,
        took: Duration,
        due: Due,
        (shown, now): (Timestamp, Instant),
    ) {
        let shown = shown.as_micros();
        if shown < from.scheduled.max(from.expiry).max(from.deadline) {
            // The server's clock was set back.
            self.forget();
            return;
        }
        if from == Starts::FIRST {
            self.spared_until = (took > SLOW).then(|| now + (took * SPARED).min(SPARED_MAX));
            (self.from, self.inbox_from) = (None, None);
        }
        if self.spared_until.is_some() {
            let start = |first: Option<i64>, late: Duration| {
                let late = i64::try_from(late.as_micros()).unwrap_or(i64::MAX);
                first.map_or(shown, |first| first.min(shown)).saturating_sub(late)
            };
            self.from = Some(Starts {
                scheduled: start(due.scheduled, LATE),
                expiry: start(due.expiry, LATE_LEASE),
                deadline: start(due.deadline, LATE),
            });
        }
    }

    /// Whether the same look found rows of the inbox that wait, and the last id that any has had so far.
    pub(crate) fn looked_at_inbox(&mut self, waits: bool, last_id: i64, now: Instant) {
        let settled = self.inbox_last.filter(|(_, at)| *at + LATE <= now);
        if settled.is_some() || self.inbox_last.is_none() {
            self.inbox_settled = settled.map(|(id, _)| id);
            self.inbox_last = Some((last_id, now));
        }
        if self.spared_until.is_some() && !waits {
            self.inbox_from = self.inbox_settled;
        }
    }
}

/// When something is to be looked at next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Due {
    pub(crate) scheduled: Option<i64>,
    pub(crate) expiry: Option<i64>,
    pub(crate) deadline: Option<i64>,
    /// The next slot of a schedule, by the wall clock.
    pub(crate) slot: Option<i64>,
}

impl Due {
    /// From the columns from this one on.
    pub(in crate::engine::postgres::batch) fn read(row: &Row, from: usize) -> Result<Self> {
        Ok(Self {
            scheduled: row.column(from)?,
            expiry: row.column(from + 1)?,
            deadline: row.column(from + 2)?,
            slot: row.column(from + 3)?,
        })
    }

    /// The same, where expired leases may be reclaimed so many microseconds later.
    pub(crate) fn with_grace(self, grace: i64) -> Self {
        Self { expiry: self.expiry.map(|at| at.saturating_add(grace)), ..self }
    }

    /// The first of them, by the monotonic time.
    pub(crate) fn first(self, now: Moment) -> Option<Timestamp> {
        let all = [self.scheduled, self.expiry, self.deadline];
        let slot = self.slot.map(|slot| now.to_monotonic(Timestamp::from_micros(slot)));
        all.into_iter().flatten().map(Timestamp::from_micros).chain(slot).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: Timestamp = Timestamp::from_micros(5_000_000);

    /// Before what is due at this time in each table, or was not due then.
    fn starts(at: i64) -> Starts {
        let (others, expiry) = (at - 1_000_000, at - 100_000);
        Starts { scheduled: others, expiry, deadline: others }
    }

    fn looked(horizon: &mut Horizon, took: Duration, expiry: i64, now: Instant) {
        let due = Due { expiry: Some(expiry), ..Due::default() };
        let (from, _) = horizon.from(now);
        horizon.looked(from, took, due, (SHOWN, now));
    }

    #[test]
    fn a_quick_look_begins_at_the_first_each_time() {
        let (mut horizon, now) = (Horizon::default(), Instant::now());
        looked(&mut horizon, SLOW, i64::MAX, now);
        assert_eq!(horizon.from(now).0, Starts::FIRST);
    }

    #[test]
    fn a_slow_look_is_spared_for_twenty_times_as_long() {
        let (mut horizon, now) = (Horizon::default(), Instant::now());
        let took = 2 * SLOW;
        looked(&mut horizon, took, i64::MAX, now);
        assert_eq!(horizon.from(now + took * 19).0, starts(5_000_000));
        looked(&mut horizon, SLOW, i64::MAX, now + took * 19);
        assert_eq!(horizon.from(now + took * SPARED).0, Starts::FIRST);
    }

    /// Else a pool that idles would not look again for what a look had passed over.
    #[test]
    fn it_is_known_when_looks_begin_at_the_first_again_five_seconds_later_at_most() {
        let (mut horizon, now) = (Horizon::default(), Instant::now());
        assert_eq!(horizon.ends_in(now), None);
        looked(&mut horizon, Duration::from_secs(30), i64::MAX, now);
        assert_eq!(horizon.ends_in(now), Some(SPARED_MAX));
        horizon.forget();
        assert_eq!((horizon.ends_in(now), horizon.from(now).0), (None, Starts::FIRST));
    }

    #[test]
    fn a_clock_that_was_set_back_has_looks_begin_at_the_first_again() {
        let (mut horizon, now) = (Horizon::default(), Instant::now());
        looked(&mut horizon, 2 * SLOW, i64::MAX, now);
        let back = Timestamp::from_micros(1_000_000);
        horizon.looked(horizon.from.unwrap(), SLOW, Due::default(), (back, now));
        assert_eq!(horizon.from(now).0, Starts::FIRST);
    }

    /// Else, while leases expire all the time, each look would pass over all that expired before. A due row that is locked
    /// holds back the start in its own table only.
    #[test]
    fn looks_begin_before_what_is_due_first_in_their_table() {
        let (mut horizon, now) = (Horizon::default(), Instant::now());
        looked(&mut horizon, 2 * SLOW, 3_000_000, now);
        assert_eq!(horizon.from(now).0, Starts { expiry: 2_900_000, ..starts(5_000_000) });
        looked(&mut horizon, SLOW, 3_500_000, now);
        assert_eq!(horizon.from(now).0, Starts { expiry: 3_400_000, ..starts(5_000_000) });
    }

    /// Ids that were given out a second ago belong to rows that are there, but for those of slow transactions.
    #[test]
    fn looks_at_the_inbox_begin_at_ids_of_a_second_before() {
        let (mut horizon, now) = (Horizon::default(), Instant::now());
        let mut look = |waits, last_id, took, after: Duration| {
            let at = now + after;
            let (from, inbox_from) = horizon.from(at);
            horizon.looked(from, took, Due::default(), (SHOWN, at));
            horizon.looked_at_inbox(waits, last_id, at);
            inbox_from
        };
        let (slow, ms) = (2 * SPARED_MAX, Duration::from_millis);
        assert_eq!(look(false, 100, SLOW, ms(0)), i64::MIN, "a look that is quick");
        assert_eq!(look(false, 200, slow, ms(999)), i64::MIN);
        assert_eq!(look(true, 300, slow, ms(1_000)), i64::MIN);
        assert_eq!(look(false, 400, slow, ms(1_000)), i64::MIN, "a row waited");
        assert_eq!(look(false, 500, slow, ms(1_999)), 100);
        assert_eq!(look(false, 600, slow, ms(2_000)), 100);
        assert_eq!(look(false, 700, slow, ms(2_001)), 300);
        assert_eq!(look(false, 800, slow, ms(6_000)), i64::MIN, "five seconds are over");
        assert_eq!(look(false, 900, slow, ms(6_001)), 600);
    }
}
