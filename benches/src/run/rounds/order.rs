//! In which order the rounds of a suite's scenarios are run.
//!
//! A machine is not the same from one minute to the next. Rounds of one scenario that follow each other
//! all meet the same state of it, so that their spread says nothing about another run. Therefore round 1
//! of every scenario is run, then round 2 of every scenario, and so on, each time in an order drawn at
//! random: what the machine does in a minute is shared by all scenarios, and what one scenario leaves
//! behind does not always meet the same other one.

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;

/// How the rounds of a scenario are spread over the run of its suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Over the whole run, one round in turn with those of the other scenarios.
    Run,
    /// The same, of rounds that warm up by themselves before they measure: none is discarded.
    WarmedUp,
    /// One after the other, before those of the others: for what builds up in the process from round to
    /// round, such as its memory, which the rounds of others would change.
    OnePiece,
    /// A single round, with none that is discarded: for what takes long, or is the same every time.
    Single,
}

impl Spread {
    /// Whether its rounds are run in turn with those of others, so that one can be repeated and more can be added.
    #[must_use]
    pub const fn is_in_turn(self) -> bool {
        matches!(self, Self::Run | Self::WarmedUp)
    }
}

/// A round to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Which scenario, by its place in the suite.
    pub scenario: usize,
    /// Whether its figures are discarded: the scenario's first round, which finds files, caches and threads
    /// that later ones find as it left them.
    pub discarded: bool,
}

/// Draws the order of the rounds of a suite.
#[derive(Debug)]
pub struct Order {
    random: Xoshiro256PlusPlus,
}

impl Order {
    /// The same seed draws the same order.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self { random: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// The fixed rounds of a suite, this many of each scenario, after one that is discarded where that is
    /// asked for: pass by pass over the scenarios. One in a single piece has a pass of its own.
    pub fn fixed(&mut self, spreads: &[Spread], rounds: usize, discarding: bool) -> Vec<Vec<Slot>> {
        let those = |wanted: fn(Spread) -> bool| -> Vec<usize> {
            let places = spreads.iter().enumerate().filter(|(_, spread)| wanted(**spread));
            places.map(|(place, _)| place).collect()
        };
        let discarded = |scenario| Slot { scenario, discarded: true };
        let measured = |scenario| Slot { scenario, discarded: false };
        let (spread, single) =
            (those(Spread::is_in_turn), those(|spread| spread == Spread::Single));
        let mut passes: Vec<Vec<Slot>> = Vec::new();
        for scenario in those(|spread| spread == Spread::OnePiece) {
            let first = discarding.then(|| discarded(scenario));
            passes.push(first.into_iter().chain((0..rounds).map(|_| measured(scenario))).collect());
        }
        if discarding {
            passes.push(those(|spread| spread == Spread::Run).into_iter().map(discarded).collect());
        }
        for round in 0..rounds {
            let once = if round == 0 { single.as_slice() } else { &[] };
            let all = [spread.as_slice(), once].concat();
            passes.push(self.shuffled(all).into_iter().map(measured).collect());
        }
        passes
    }

    /// These scenarios in an order drawn anew.
    pub fn shuffled(&mut self, mut scenarios: Vec<usize>) -> Vec<usize> {
        scenarios.shuffle(&mut self.random);
        scenarios
    }
}
