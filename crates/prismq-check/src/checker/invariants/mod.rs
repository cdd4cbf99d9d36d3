//! The invariants, one a file: each answers with what it found broken.

mod added;
mod attempts;
mod conservation;
mod crash_isolation;
mod exclusion;
mod fencing;
mod finality;
pub(super) mod hoarding;
pub(super) mod liveness;
mod never_early;
pub(super) mod no_loss;
mod no_phantom;
mod operators;
pub(super) mod order;

use super::facts::Facts;
use super::{Finding, Invariant};

/// What the check of one invariant found.
pub(super) fn findings(invariant: Invariant, facts: &Facts<'_>) -> Vec<Finding> {
    match invariant {
        Invariant::NoLoss => no_loss::check(facts),
        Invariant::NoPhantom => no_phantom::check(facts),
        Invariant::Finality => finality::check(facts),
        Invariant::Exclusion => exclusion::check(facts),
        Invariant::Fencing => fencing::check(facts),
        Invariant::Attempts => attempts::check(facts),
        Invariant::Order => order::check(facts),
        Invariant::NeverEarly => never_early::check(facts),
        Invariant::Liveness => liveness::check(facts),
        Invariant::Conservation => conservation::check(facts),
        Invariant::Hoarding => hoarding::check(facts),
        Invariant::CrashIsolation => crash_isolation::check(facts),
        Invariant::Unique => added::unique::check(facts),
        Invariant::TimeToLive => added::time_to_live::check(facts),
        Invariant::Slots => added::slots::check(facts),
        Invariant::Cancellation => operators::cancellation::check(facts),
        Invariant::Redrive => operators::redrive::check(facts),
        Invariant::Deletion => operators::deletion::check(facts),
    }
}
