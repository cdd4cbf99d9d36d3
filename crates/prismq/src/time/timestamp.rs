//! A point in time as a number, and as text.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECOND: i64 = 1_000_000;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A point in time: microseconds since the Unix epoch.
///
/// It is displayed as RFC 3339 in UTC, and converts from `SystemTime` and, with the feature `jiff`, from and to
/// `jiff::Timestamp`.
///
/// # Examples
/// ```
/// use prismq::Timestamp;
///
/// assert_eq!(Timestamp::from_micros(1_700_000_000_250_000).to_string(), "2023-11-14T22:13:20.25Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub(super) i64);

impl Timestamp {
    /// A time from microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time plus a duration, saturating.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This time less a duration, saturating.
    pub(crate) fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The duration since `earlier`; zero if this time is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(i64::try_from(after.as_micros()).unwrap_or(i64::MAX)),
            Err(before) => {
                Self(i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us))
            }
        }
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many decimals of a second as there are. A year outside of 0 to 9999 has a sign and six
    /// digits or more, as in ISO 8601.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(SECOND);
        let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
        let of_day = seconds.rem_euclid(DAY_SECONDS);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        if (0..=9999).contains(&year) {
            write!(f, "{year:04}")?;
        } else {
            write!(f, "{year:+07}")?;
        }
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let micros = self.0.rem_euclid(SECOND);
        if micros != 0 {
            let decimals = format!("{micros:06}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Year, month and day of the proleptic Gregorian calendar, this many days after 1970-01-01. From Howard Hinnant's
/// `civil_from_days`: years begin in March, so that the leap day is the last of its year, and repeat every 400 years.
const fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(feature = "jiff")]
impl From<jiff::Timestamp> for Timestamp {
    /// Parts of a microsecond are dropped.
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_microsecond())
    }
}

#[cfg(feature = "jiff")]
impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = jiff::Error;

    /// # Errors
    /// A time before the year -9999 or after 9999.
    fn try_from(time: Timestamp) -> Result<Self, jiff::Error> {
        Self::from_microsecond(time.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_displayed_as_rfc_3339() {
        let shown = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_709_164_800_000_000, "2024-02-29T00:00:00Z"),
            (951_868_799_500_000, "2000-02-29T23:59:59.5Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+010000-01-01T00:00:00Z"),
            (-62_167_219_200_000_001, "-000001-12-31T23:59:59.999999Z"),
            (i64::MAX, "+294247-01-10T04:00:54.775807Z"),
            (i64::MIN, "-290308-12-21T19:59:05.224192Z"),
        ];
        for (micros, text) in shown {
            assert_eq!(Timestamp(micros).to_string(), text);
        }
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn a_time_is_displayed_as_jiff_does_and_converts_from_and_to_it() {
        let seconds = (-62_167_219_200..253_402_207_200_i64).step_by(86_400 * 97 + 12_345);
        for second in seconds {
            let time = Timestamp(second * SECOND + 250_000);
            let theirs = jiff::Timestamp::try_from(time).unwrap();
            assert_eq!(time.to_string(), theirs.to_string());
            assert_eq!(Timestamp::from(theirs), time);
        }
        jiff::Timestamp::try_from(Timestamp(i64::MAX)).unwrap_err();
    }
}
