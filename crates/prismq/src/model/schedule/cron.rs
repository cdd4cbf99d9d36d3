//! The slots of a cron expression in a time zone.
//!
//! The expression is read, and matched with dates and times of no zone, by `croner`. Which moments those are is decided
//! here, as Vixie's cron does it. One with fixed times has each of them once a day: a time that exists twice is the
//! first, one that does not exist is the moment after the gap. One with a `*` in its minute or hour follows the clock:
//! it has every moment at which the zone's clock shows a time that matches.

use std::cmp::Ordering;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::limits::CRON_BYTES_MAX;
use crate::model::{Error, Result};
use crate::time::Timestamp;

/// A cron expression in a time zone.
#[derive(Debug)]
pub(crate) struct CronSlots {
    cron: Cron,
    zone: TimeZone,
    /// Whether it has a `*` in its minute or hour.
    follows_clock: bool,
}

impl CronSlots {
    pub(super) fn parse(expression: &str, zone: &str) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("cron expression", reason));
        if expression.len() > CRON_BYTES_MAX {
            let bytes = expression.len();
            return invalid(format!("{bytes} bytes long, at most {CRON_BYTES_MAX} are allowed"));
        }
        let fields = expression.split_whitespace().count();
        if fields != 5 && !expression.trim_start().starts_with('@') {
            return invalid(format!(
                "{expression:?} has {fields} fields, must have five: minute, hour, day of the month, month, day of \
                 the week"
            ));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed);
        let cron = match parser.build().parse(expression) {
            Ok(cron) => cron,
            Err(error) => return invalid(format!("{expression:?}: {error}")),
        };
        let zone = TimeZone::get(zone).map_err(|error| {
            Error::invalid("time zone", format!("{zone:?} is not known: {error}; use an IANA name"))
        })?;
        let pattern = &cron.pattern;
        let follows_clock = pattern.minutes.from_wildcard || pattern.hours.from_wildcard;
        Ok(Self { cron, zone, follows_clock })
    }

    /// The first slot after this time, until the year 5000.
    pub(super) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        let time = jiff::Timestamp::try_from(time).ok()?;
        let slot = if self.follows_clock { self.shown_after(time) } else { self.fixed_after(time) };
        slot.map(Timestamp::from)
    }

    /// The first date and time after this one that matches, of no zone.
    fn matching_after(&self, time: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&Civil(time), inclusive).ok().map(|Civil(time)| time)
    }

    /// The first moment after this one of a daily list of times.
    fn fixed_after(&self, time: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut civil = self.zone.to_datetime(time);
        loop {
            civil = self.matching_after(civil, false)?;
            let moment = self.moment_of(civil)?;
            // In the second of two hours of the same name, times of the first come again.
            if moment > time {
                return Some(moment);
            }
        }
    }

    /// When it is this date and time for the first time, or else the moment after the gap that it is in.
    fn moment_of(&self, civil: DateTime) -> Option<jiff::Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                let before_gap = after.to_timestamp(civil).ok()?;
                self.zone.following(before_gap).next().map(|change| change.timestamp())
            }
            _ => ambiguous.earlier().ok(),
        }
    }

    /// The first moment after this one at which the zone's clock shows a time that matches: between two changes of its
    /// offset, the moments are those of a clock without a zone.
    fn shown_after(&self, time: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut from = time;
        let mut inclusive = false;
        loop {
            let offset = self.zone.to_offset(from);
            let civil = self.matching_after(offset.to_datetime(from), inclusive)?;
            let moment = offset.to_timestamp(civil).ok()?;
            match self.zone.following(from).next() {
                Some(change) if change.timestamp() <= moment => {
                    (from, inclusive) = (change.timestamp(), true);
                }
                _ => return Some(moment),
            }
        }
    }
}

/// A date and time of no zone, in the terms of `croner`.
#[derive(Debug, Clone, Copy)]
struct Civil(DateTime);

impl CronDateTime for Civil {
    fn to_civil(&self) -> CivilDateTime {
        let number = |part: i8| u32::from(part.unsigned_abs());
        let Self(time) = self;
        let date = CivilDate::from_parts_unchecked(
            i32::from(time.year()),
            number(time.month()),
            number(time.day()),
        );
        let (hour, minute) = (number(time.hour()), number(time.minute()));
        let time = CivilTime::from_parts_unchecked(hour, minute, number(time.second()));
        CivilDateTime::new(date, time)
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(days.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) =
            (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        DateTime::new(year, month, day, hour, minute, second, 0)
            .map(|time| Resolution::Single(Self(time)))
            .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
