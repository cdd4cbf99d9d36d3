//! The rounds of a suite, run one by one in the order that was drawn; then more of those scenarios whose
//! targets they did not decide.

use std::fmt;
use std::time::Duration;

use crate::base::clock::{Clock, Time};
use crate::base::error::Result;
use crate::run::progress::Progress;
use crate::run::quiet::Budget;
use crate::run::rounds::experiment::Experiment;
use crate::run::rounds::order::{Order, Slot};
use crate::scenario::stage::Stage;

/// Rounds that are added before the next look at the targets: half as many as are run in any case. Each
/// look costs certainty, so that one after every round would decide later.
const ROUNDS_A_LOOK: usize = 5;

type KeepFn<'a> = Box<dyn FnMut(&[Experiment]) -> Result<()> + 'a>;

/// A suite whose rounds are being run.
pub struct Session<'a> {
    suite: &'static str,
    stage: &'a Stage,
    clock: &'a dyn Clock,
    experiments: &'a mut [Experiment],
    order: Order,
    sequence: u64,
    progress: Progress,
    budget: Option<Budget>,
    keep: Option<KeepFn<'a>>,
}

impl<'a> Session<'a> {
    /// Begins the rounds of these experiments. The clock measures what of a budget is spent, the seed draws the
    /// order of the rounds.
    pub fn begin(
        suite: &'static str,
        stage: &'a Stage,
        clock: &'a dyn Clock,
        experiments: &'a mut [Experiment],
        seed: u64,
        progress: Progress,
    ) -> Self {
        let order = Order::from_seed(seed);
        let (budget, keep) = (None, None);
        Self { suite, stage, clock, experiments, order, sequence: 0, progress, budget, keep }
    }

    /// With a budget for rounds that others on the machine disturbed. It is for measured rounds in turn with
    /// those of others: a repeated round would change what builds up in one piece, and a single one takes long.
    #[must_use]
    pub fn repeating(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// With what is done after each pass over the experiments, so that a suite that is stopped keeps what it has.
    #[must_use]
    pub fn keeping(mut self, keep: impl FnMut(&[Experiment]) -> Result<()> + 'a) -> Self {
        self.keep = Some(Box::new(keep));
        self
    }

    /// Runs the rounds that are run in any case: this many of each experiment, after one that is discarded where
    /// that is asked for.
    ///
    /// # Errors
    /// The first error of a round, or of what is done after a pass.
    pub fn run_fixed(&mut self, rounds: usize, discarding: bool) -> Result<()> {
        let spreads: Vec<_> = self.experiments.iter().map(Experiment::spread).collect();
        let passes = self.order.fixed(&spreads, rounds, discarding);
        let slots = passes.concat();
        self.progress.extend(slots.len());
        let mut done = 0;
        for pass in passes {
            for slot in pass {
                let left = self.left(slots.get(done..).unwrap_or_default());
                self.run(slot, left)?;
                done += 1;
            }
            self.keep()?;
        }
        Ok(())
    }

    /// Adds rounds to the experiments that are open, in turn, until none is or the budget is spent. Rounds that
    /// would not end within the budget, by how long the latest took, are not begun. Each experiment counts the
    /// looks that were taken, the last of them after its last round.
    ///
    /// # Errors
    /// The first error of a round, of `is_open`, or of what is done after a pass.
    pub fn run_undecided(
        &mut self,
        budget: Duration,
        is_open: impl Fn(&Experiment) -> Result<bool>,
    ) -> Result<()> {
        let end = self.clock.now() + budget;
        let spread = self.experiments.iter().enumerate();
        let mut open: Vec<usize> = spread
            .filter(|(_, experiment)| experiment.spread().is_in_turn())
            .map(|(place, _)| place)
            .collect();
        loop {
            let mut still = Vec::new();
            for place in open {
                let Some(experiment) = self.experiments.get_mut(place) else { continue };
                experiment.look();
                if is_open(experiment)? {
                    still.push(place);
                }
            }
            open = self.add_rounds(&still, end)?;
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// Adds up to [`ROUNDS_A_LOOK`] rounds to each, and gives those that got any.
    fn add_rounds(&mut self, open: &[usize], end: Time) -> Result<Vec<usize>> {
        let mut extended = Vec::new();
        for _ in 0..ROUNDS_A_LOOK {
            for scenario in self.order.shuffled(open.to_vec()) {
                let lasts = self.experiments.get(scenario).and_then(Experiment::lasts);
                let left = end.since(self.clock.now());
                if left.is_zero() || lasts.is_none_or(|lasts| lasts > left) {
                    continue;
                }
                self.progress.extend(1);
                self.run(Slot { scenario, discarded: false }, Some(left))?;
                if !extended.contains(&scenario) {
                    extended.push(scenario);
                }
            }
            self.keep()?;
        }
        Ok(extended)
    }

    fn keep(&mut self) -> Result<()> {
        self.keep.as_mut().map_or(Ok(()), |keep| keep(self.experiments))
    }

    fn run(&mut self, slot: Slot, left: Option<Duration>) -> Result<()> {
        let Some(experiment) = self.experiments.get_mut(slot.scenario) else { return Ok(()) };
        self.progress.round(&experiment.case().id(self.suite), left);
        let repeated = !slot.discarded && experiment.spread().is_in_turn();
        let budget = self.budget.as_mut().filter(|_| repeated);
        experiment.run(self.stage, self.sequence, slot.discarded, budget)?;
        self.sequence += 1;
        Ok(())
    }

    /// How long these rounds will take, by the latest of each experiment; `None` until there is one.
    fn left(&self, slots: &[Slot]) -> Option<Duration> {
        let lasts = |slot: &Slot| self.experiments.get(slot.scenario)?.lasts();
        slots.iter().map(lasts).sum()
    }

    /// Ends the rounds.
    pub fn end(self) {
        self.progress.end();
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("suite", &self.suite)
            .field("experiments", &self.experiments)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}
