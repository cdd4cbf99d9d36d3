//! The order in which a queue's ready tasks are claimed.
//!
//! An order is a key, computed when a task is enqueued: the smallest comes first, by one seek in an index under
//! every order. A task keeps its key through retries and releases.

use std::time::Duration;

use crate::model::limits::{AGEING_STEP_MAX, PRIORITY_MIN, TASK_ID_MAX};
use crate::model::{Error, Result};

/// How a queue orders its ready tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// Lower priority numbers first; within one priority first in, first out.
    #[default]
    Priority,
    /// First in, first out, regardless of priority.
    FirstInFirstOut,
    /// Last in, first out, regardless of priority: for work that loses value with age.
    LastInFirstOut,
    /// By due time plus priority times `step`: a task overtakes those that are up to one step older for each
    /// priority number it is lower, and none starves (earliest deadline first).
    Ageing {
        /// How much later one priority number makes a task.
        step: Duration,
    },
    /// At random, a task of priority `p` with weight `1 / (1 + p)`; negative priorities count as 0. No task
    /// starves, as each claim may take any.
    WeightedRandom,
}

/// Bits of a key below the priority, for task ids.
const SEQUENCE_BITS: u32 = 47;
/// Units of virtual time for the mean wait of a task of weight 1 that is alone.
const WEIGHT_UNITS: f64 = (1 << 20) as f64;

/// Most that a key is ahead of virtual time: more than the longest wait that can be drawn, that of the task with
/// the least weight.
const WEIGHTED_WAIT_MAX: i64 = 1 << 42;
/// A quarter of all keys.
const QUARTER: i64 = 1 << 62;

/// What a key is computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyInputs {
    pub(crate) id: i64,
    pub(crate) priority: i32,
    /// When the task becomes ready, in microseconds.
    pub(crate) run_at: i64,
    /// The queue's virtual time, under a weighted order.
    pub(crate) virtual_time: i64,
    /// A random number in 0..1.
    pub(crate) chance: f64,
}

impl Order {
    /// The key of a task; of equal keys, the lower id comes first.
    pub(crate) fn key(self, inputs: KeyInputs) -> i64 {
        let KeyInputs { id, priority, run_at, virtual_time, chance } = inputs;
        match self {
            Self::Priority => (i64::from(priority) << SEQUENCE_BITS) + id,
            Self::FirstInFirstOut => id,
            Self::LastInFirstOut => -id,
            Self::Ageing { step } => {
                let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
                run_at.saturating_add(i64::from(priority).saturating_mul(step))
            }
            // Exponential race: the smallest of exponential variables is each task's with a probability in
            // proportion to its rate, and as they have no memory, a late arrival that starts at the present
            // virtual time is on equal terms (Efraimidis and Spirakis, "Weighted random sampling with a
            // reservoir", 2006, in its exponential form).
            Self::WeightedRandom => {
                let mean = WEIGHT_UNITS * (1.0 + f64::from(priority.max(0)));
                let wait = -mean * (1.0 - chance).ln();
                virtual_time.wrapping_add((wait as i64).min(WEIGHTED_WAIT_MAX))
            }
        }
    }

    /// The first key of the order; keys below it come after all others. It differs from the lowest only when virtual
    /// time wraps around: keys lie on a ring, of which half is ahead of virtual time.
    pub(crate) const fn first_key(self, virtual_time: i64) -> i64 {
        match self {
            Self::WeightedRandom if virtual_time >= QUARTER || virtual_time < -QUARTER => 0,
            _ => i64::MIN,
        }
    }

    /// The virtual time after a task with this key was claimed.
    pub(crate) const fn time_after(self, virtual_time: i64, key: i64) -> i64 {
        let ahead = key.wrapping_sub(virtual_time);
        // A key further ahead than any new one dates from before virtual time wrapped around.
        match self {
            Self::WeightedRandom if ahead > 0 && ahead <= WEIGHTED_WAIT_MAX => key,
            _ => virtual_time,
        }
    }

    pub(crate) fn validate(self) -> Result<()> {
        match self {
            Self::Ageing { step } if step > AGEING_STEP_MAX => Err(Error::invalid(
                "ageing step",
                format!("{step:?}, at most {AGEING_STEP_MAX:?} is allowed"),
            )),
            _ => Ok(()),
        }
    }
}

// The keys of the lowest priority must not leave the range of a key, nor an id its bits of one.
const _: () = assert!(TASK_ID_MAX < 1 << SEQUENCE_BITS);
const _: () = assert!((PRIORITY_MIN as i64) >= i64::MIN >> SEQUENCE_BITS);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limits::PRIORITY_MAX;

    fn key(order: Order, priority: i32, id: i64) -> i64 {
        order.key(KeyInputs { id, priority, run_at: 0, virtual_time: 0, chance: 0.5 })
    }

    #[test]
    fn priority_comes_before_id_over_the_whole_range() {
        let last_id = (1 << SEQUENCE_BITS) - 1;
        let key = |priority, id| key(Order::Priority, priority, id);
        assert!(key(PRIORITY_MIN, last_id) < key(PRIORITY_MIN + 1, 1));
        assert!(key(-1, last_id) < key(0, 1));
        assert!(key(PRIORITY_MAX, last_id) > key(PRIORITY_MAX - 1, last_id));
    }

    #[test]
    fn the_order_holds_where_virtual_time_wraps_around() {
        let order = Order::WeightedRandom;
        let place = KeyInputs { id: 1, priority: 0, run_at: 0, virtual_time: 0, chance: 0.5 };
        let rank = |time, key: i64| key.wrapping_sub(order.first_key(time)).cast_unsigned();
        for time in [0, QUARTER - 1, QUARTER, i64::MAX - 9, i64::MIN, -QUARTER - 1, -QUARTER, -1] {
            let key = |chance| order.key(KeyInputs { virtual_time: time, chance, ..place });
            let (soon, late) = (key(0.1), key(0.9));
            let left = time.wrapping_sub(9);
            assert!(rank(time, left) < rank(time, soon) && rank(time, soon) < rank(time, late));
            assert_eq!(order.time_after(time, soon), soon);
            assert_eq!(order.time_after(time, left), time, "it never goes back");
        }
    }

    #[test]
    fn the_longest_wait_is_below_its_bound() {
        let chance = 1.0 - f64::EPSILON / 2.0;
        let place = KeyInputs { id: 1, priority: PRIORITY_MAX, run_at: 0, virtual_time: 0, chance };
        let key = Order::WeightedRandom.key(place);
        assert!(key > WEIGHTED_WAIT_MAX / 16 && key < WEIGHTED_WAIT_MAX, "{key}");
    }

    #[test]
    fn no_key_overflows_at_the_ends_of_the_range() {
        let step = AGEING_STEP_MAX;
        for order in [Order::Ageing { step }, Order::WeightedRandom] {
            for (priority, run_at) in [(PRIORITY_MIN, i64::MIN), (PRIORITY_MAX, i64::MAX)] {
                let place =
                    KeyInputs { id: 1, priority, run_at, virtual_time: i64::MAX, chance: 1.0 };
                order.key(place);
            }
        }
    }
}
