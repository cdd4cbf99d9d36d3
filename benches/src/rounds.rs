//! Rounds that several benchmarks look at, each measured once.
//!
//! Criterion's p50, p95 and p99 of a scenario are benchmarks of their own but must be percentiles of
//! the same samples. Whichever of them asks first for round `k` has it measured, so that any name
//! filter works; the others are given the same round again.

use std::rc::Rc;

use crate::error::Result;

/// The rounds measured so far.
#[derive(Debug)]
pub struct SharedRounds<T> {
    measured: Vec<Rc<T>>,
}

impl<T> Default for SharedRounds<T> {
    fn default() -> Self {
        Self { measured: Vec::new() }
    }
}

impl<T> SharedRounds<T> {
    /// Round `index`, measured now if it has not been yet. Each user asks for rounds in order from
    /// 0.
    ///
    /// # Errors
    /// What `measure` gives; the round is then still to be measured.
    pub fn get(&mut self, index: usize, measure: impl FnOnce() -> Result<T>) -> Result<Rc<T>> {
        if let Some(round) = self.measured.get(index) {
            return Ok(round.clone());
        }
        let round = Rc::new(measure()?);
        self.measured.push(round.clone());
        Ok(round)
    }

    /// All rounds, in order.
    #[must_use]
    pub fn measured(&self) -> &[Rc<T>] {
        &self.measured
    }
}
