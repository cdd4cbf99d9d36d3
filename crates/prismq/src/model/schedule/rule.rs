//! The times that a rule gives: its slots.

use std::sync::Arc;
use std::time::Duration;

use super::{validate_count, validate_interval};
#[cfg(feature = "cron")]
use crate::model::schedule::cron;
use crate::model::{Error, Result};
use crate::time::Timestamp;

/// The time zone of a rule unless another is set.
pub(super) const UTC: &str = "UTC";

/// When a schedule's tasks are enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) when: When,
    /// The time zone's IANA name; an interval has none but UTC.
    pub(crate) zone: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    Every(Duration),
    /// At the times of this expression.
    Cron(Arc<str>),
}

/// The slots of a rule, ready to be computed.
#[derive(Debug)]
pub(crate) enum Slots {
    /// `anchor`, plus the interval in microseconds any number of times.
    Every { anchor: i64, interval: i64 },
    #[cfg(feature = "cron")]
    Cron(Box<cron::CronSlots>),
}

impl Rule {
    /// Whether this program can compute slots of cron expressions.
    pub(crate) const HAS_CRON: bool = cfg!(feature = "cron");

    /// Its slots; those of an interval are counted from `anchor`.
    pub(crate) fn slots(&self, anchor: Timestamp) -> Result<Slots> {
        match &self.when {
            When::Every(interval) => {
                validate_interval(*interval)?;
                if *self.zone != *UTC {
                    return Err(Error::invalid("time zone", "an interval has none"));
                }
                let interval = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
                Ok(Slots::Every { anchor: anchor.as_micros(), interval })
            }
            #[cfg(feature = "cron")]
            When::Cron(expression) => {
                cron::CronSlots::parse(expression, &self.zone).map(Box::new).map(Slots::Cron)
            }
            #[cfg(not(feature = "cron"))]
            When::Cron(_) => {
                let reason = "this program cannot read them: build it with prismq's feature `cron`";
                Err(Error::invalid("cron expression", reason))
            }
        }
    }

    /// Whether it has slots at all.
    pub(super) fn validate(&self) -> Result<()> {
        let epoch = Timestamp::default();
        match self.slots(epoch)?.after(epoch) {
            Some(_) => Ok(()),
            None => Err(Error::invalid("cron expression", format!("{self} never comes"))),
        }
    }

    /// Up to this many slots after a time.
    pub(super) fn next_after(
        &self,
        anchor: Timestamp,
        time: Timestamp,
        count: usize,
    ) -> Result<Vec<Timestamp>> {
        validate_count(count)?;
        let slots = self.slots(anchor)?;
        Ok(std::iter::successors(slots.after(time), |slot| slots.after(*slot))
            .take(count)
            .collect())
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.when {
            When::Every(interval) => write!(f, "every {interval:?}"),
            When::Cron(expression) => f.write_str(expression),
        }
    }
}

impl Slots {
    /// The first slot after this time; `None` if there is none that a [`Timestamp`] or the calendar can hold.
    pub(crate) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every { anchor, interval } => {
                let passed = time.as_micros().checked_sub(*anchor)?.div_euclid(*interval);
                let next = passed.checked_add(1)?.checked_mul(*interval)?.checked_add(*anchor)?;
                Some(Timestamp::from_micros(next))
            }
            #[cfg(feature = "cron")]
            Self::Cron(cron) => cron.after(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limits::{INTERVAL_MAX, INTERVAL_MIN};

    fn every(interval: Duration) -> Rule {
        Rule { when: When::Every(interval), zone: UTC.into() }
    }

    #[test]
    fn an_interval_is_counted_from_its_anchor() {
        let slots = every(Duration::from_secs(10)).slots(Timestamp::from_micros(3)).unwrap();
        let after = |micros| slots.after(Timestamp::from_micros(micros)).unwrap().as_micros();
        assert_eq!(after(3), 10_000_003);
        assert_eq!(after(10_000_002), 10_000_003);
        assert_eq!(after(10_000_003), 20_000_003);
        assert_eq!(after(-1), 3);
        assert!(slots.after(Timestamp::from_micros(i64::MAX)).is_none());
        assert!(slots.after(Timestamp::from_micros(i64::MIN)).is_none());
    }

    #[test]
    fn an_interval_outside_its_bounds_is_refused() {
        let micro = Duration::from_micros(1);
        for interval in [Duration::ZERO, INTERVAL_MIN - micro, INTERVAL_MAX + micro, Duration::MAX]
        {
            let refused = every(interval).validate().unwrap_err();
            assert!(matches!(refused, Error::InvalidInput { what: "interval", .. }), "{refused:?}");
        }
        every(INTERVAL_MIN).validate().unwrap();
        every(INTERVAL_MAX).validate().unwrap();
        let zoned = Rule { zone: "Europe/Berlin".into(), ..every(INTERVAL_MIN) };
        assert!(matches!(zoned.validate(), Err(Error::InvalidInput { what: "time zone", .. })));
    }
}
