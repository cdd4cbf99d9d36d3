//! What all transactions of an engine share.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cached::Cached;
use super::lanes::Lanes;
use super::looks::due::Horizon;
use super::looks::marks::Marks;
use super::looks::refusals::Refusals;
use super::looks::slots::FirstSlots;
use super::looks::sweeps::Sweeps;
use super::postponed::Postponed;
use super::run::EXPIRY_GRACE;
use super::statements::Statements;
use crate::engine::DeferredLog;
use crate::engine::postgres::clock::Time;

/// What all transactions of an engine share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) statements: Statements,
    pub(crate) lanes: Arc<Mutex<Lanes>>,
    pub(crate) marks: Mutex<Marks>,
    turns: Mutex<Marks>,
    pub(crate) horizon: Mutex<Horizon>,
    first_slots: Mutex<FirstSlots>,
    cached: Mutex<Cached>,
    cached_to_claim: Mutex<Cached>,
    refusals: Mutex<Refusals>,
    sweeps: Mutex<Sweeps>,
    /// The highest epoch of a session that has begun a transaction.
    epoch: AtomicI64,
    pub(crate) time: Time,
    pub(crate) log: DeferredLog,
    /// How many keys were perhaps added since some without tasks were deleted.
    pub(crate) keys_added: AtomicUsize,
    /// The last key that was looked at for that.
    pub(crate) last_swept: AtomicI64,
    postponed: Mutex<Postponed>,
}

impl Shared {
    /// What all transactions of an engine share, at first.
    pub(crate) fn new(statements: Statements, time: Time) -> Self {
        Self {
            statements,
            lanes: Arc::default(),
            marks: Mutex::default(),
            turns: Mutex::default(),
            horizon: Mutex::default(),
            first_slots: Mutex::default(),
            cached: Mutex::default(),
            cached_to_claim: Mutex::default(),
            refusals: Mutex::default(),
            sweeps: Mutex::default(),
            epoch: AtomicI64::new(0),
            time,
            log: DeferredLog::default(),
            keys_added: AtomicUsize::new(0),
            last_swept: AtomicI64::new(0),
            postponed: Mutex::default(),
        }
    }

    /// The looks for unique keys that nobody holds any more.
    pub(crate) fn sweeps(&self) -> MutexGuard<'_, Sweeps> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn postponed(&self) -> MutexGuard<'_, Postponed> {
        self.postponed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where looks for lines begin in each lane: at a turn, instead of the key of a task.
    pub(crate) fn turns(&self) -> MutexGuard<'_, Marks> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Discards what earlier transactions have shown: it may have been undone.
    pub(crate) fn forget_looks(&self) {
        self.marks().forget();
        self.turns().forget();
        self.horizon().forget();
        self.first_slots().forget();
        self.forget_settings();
    }

    /// Discards what settings are known.
    pub(crate) fn forget_settings(&self) {
        self.cached().forget();
        self.cached_to_claim().forget();
    }

    /// [`EXPIRY_GRACE`], or nothing by a clock that was given.
    pub(crate) const fn expiry_grace(&self) -> i64 {
        match self.time {
            Time::Database(_) => EXPIRY_GRACE,
            Time::Given(_) => 0,
        }
    }

    /// When claims look first.
    pub(crate) fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a session with this epoch is newer than all of which a transaction has begun.
    pub(super) fn is_new(&self, epoch: i64) -> bool {
        self.epoch.fetch_max(epoch, Ordering::Relaxed) < epoch
    }

    pub(crate) fn first_slots(&self) -> MutexGuard<'_, FirstSlots> {
        self.first_slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings that the session knows which waits for the disk.
    pub(crate) fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings that the session for claims knows.
    pub(crate) fn cached_to_claim(&self) -> MutexGuard<'_, Cached> {
        self.cached_to_claim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn horizon(&self) -> MutexGuard<'_, Horizon> {
        self.horizon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
