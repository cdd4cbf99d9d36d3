//! The rounds of a suite, run one by one in the order that was drawn.

use std::time::Duration;

use crate::error::Result;
use crate::experiment::Experiment;
use crate::progress::Progress;
use crate::rounds::{Order, Slot};
use crate::stage::Stage;

/// A suite whose rounds are being run.
pub(crate) struct Session<'a> {
    suite: &'static str,
    stage: &'a Stage,
    experiments: &'a mut [Experiment],
    order: Order,
    sequence: u64,
    progress: Option<Progress>,
}

impl<'a> Session<'a> {
    /// Begins the rounds of these experiments. The seed draws their order.
    pub(crate) fn begin(
        suite: &'static str,
        stage: &'a Stage,
        experiments: &'a mut [Experiment],
        seed: u64,
    ) -> Self {
        let order = Order::from_seed(seed);
        Self { suite, stage, experiments, order, sequence: 0, progress: None }
    }

    /// Runs the rounds that are run in any case: so many of each experiment.
    ///
    /// # Errors
    /// The first error of a round.
    pub(crate) fn run_fixed(&mut self, rounds: usize, discarding: bool) -> Result<()> {
        let spreads: Vec<_> = self.experiments.iter().map(Experiment::spread).collect();
        let slots = self.order.fixed(&spreads, rounds, discarding);
        self.run(&slots)
    }

    fn run(&mut self, slots: &[Slot]) -> Result<()> {
        match &mut self.progress {
            Some(progress) => progress.extend(slots.len()),
            None => self.progress = Some(Progress::begin(self.suite, slots.len(), true)),
        }
        for (done, slot) in slots.iter().enumerate() {
            let left = self.left(slots.get(done..).unwrap_or_default());
            let Some(experiment) = self.experiments.get_mut(slot.scenario) else { continue };
            if let Some(progress) = &mut self.progress {
                progress.round(&experiment.case().id(self.suite), left);
            }
            experiment.run(self.stage, self.sequence, slot.discarded)?;
            self.sequence += 1;
        }
        Ok(())
    }

    /// How long these rounds will take, by the latest of each experiment; `None` until there is one.
    fn left(&self, slots: &[Slot]) -> Option<Duration> {
        let lasts = |slot: &Slot| self.experiments.get(slot.scenario)?.lasts();
        slots.iter().map(lasts).sum()
    }

    /// Ends the rounds.
    pub(crate) fn end(self) {
        if let Some(progress) = self.progress {
            progress.end();
        }
    }
}
