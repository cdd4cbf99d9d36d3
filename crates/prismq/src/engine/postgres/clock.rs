//! The time of the database, as this process knows it between two transactions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::time::{Clock, Moment, Signal, Timestamp};

/// The clock of the database: what it last showed, and how long ago that was.
#[derive(Debug)]
pub(crate) struct DatabaseClock {
    shown: Mutex<(Instant, i64)>,
}

impl DatabaseClock {
    /// That of this machine, until the database is asked.
    pub(crate) fn new() -> Self {
        let now = Timestamp::from(SystemTime::now()).as_micros();
        Self { shown: Mutex::new((Instant::now(), now)) }
    }

    /// The database shows this time now.
    pub(crate) fn set(&self, micros: i64) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), micros);
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let (at, micros) = *self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::from_micros(micros).after(at.elapsed())
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        Some(due.since(self.now()))
    }

    /// The database's time is not expected to jump; a transaction sees it if it did.
    fn on_jump(&self, _signal: &Arc<Signal>) {}
}

/// Where the time of transactions comes from.
#[derive(Debug, Clone)]
pub(crate) enum Time {
    /// The database, which all clients share.
    Database(Arc<DatabaseClock>),
    /// A clock that was given instead.
    Given(Arc<dyn Clock>),
}

impl Time {
    /// By the given clock if there is one.
    pub(crate) fn new(given: Option<Arc<dyn Clock>>) -> (Self, Arc<dyn Clock>) {
        if let Some(clock) = given {
            return (Self::Given(clock.clone()), clock);
        }
        let clock = Arc::new(DatabaseClock::new());
        (Self::Database(clock.clone()), clock)
    }

    /// The time of a transaction at whose start the database showed this.
    pub(crate) fn moment(&self, shown: i64) -> Moment {
        self.moment_until(shown, shown)
    }

    /// The time of a transaction whose first statement has seen the first of these times of the database, and whose last the
    /// second.
    pub(crate) fn moment_until(&self, shown: i64, end: i64) -> Moment {
        match self {
            Self::Database(clock) => {
                clock.set(end);
                let now = Timestamp::from_micros(shown);
                Moment { wall: now, monotonic: now }
            }
            Self::Given(clock) => Moment::now(&**clock),
        }
    }

    /// The time as far as it is known without asking the database.
    pub(crate) fn estimate(&self) -> Moment {
        match self {
            Self::Database(clock) => {
                let now = clock.now();
                Moment { wall: now, monotonic: now }
            }
            Self::Given(clock) => Moment::now(&**clock),
        }
    }
}
