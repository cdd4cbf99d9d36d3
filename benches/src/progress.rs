//! Shows that a benchmark is at work: a bar on a terminal, else a plain line now and then. Always on
//! stderr, so that Criterion's output stays as it is.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal, a line for each round would bury the figures.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The progress of one benchmark.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    bar: Option<ProgressBar>,
    id: String,
    unit: &'static str,
    rounds: usize,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Begins a benchmark of about this many rounds.
    #[must_use]
    pub fn begin(id: &str, rounds: usize, shown: bool) -> Self {
        Self::begin_of("round", id, rounds, shown)
    }

    /// Begins a benchmark of about this many parts, each of which is called so.
    #[must_use]
    pub fn begin_of(unit: &'static str, id: &str, rounds: usize, shown: bool) -> Self {
        let bar = (shown && std::io::stderr().is_terminal()).then(|| bar(id, rounds));
        let now = Instant::now();
        Self { shown, bar, id: id.to_owned(), unit, rounds, started: now, last_line: now }
    }

    /// Shows that this many rounds are done.
    pub fn done(&mut self, rounds: usize) {
        match &self.bar {
            Some(bar) => bar.set_position(u64::try_from(rounds).unwrap_or(u64::MAX)),
            None if self.shown && self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{}: {} {rounds} of {}", self.id, self.unit, self.rounds);
            }
            None => {}
        }
    }

    /// Ends the show.
    pub fn end(self, rounds: usize) {
        match self.bar {
            Some(bar) => bar.finish_and_clear(),
            None if self.shown => {
                let took = self.started.elapsed().as_secs_f64();
                eprintln!("{}: {rounds} {}s in {took:.1} s", self.id, self.unit);
            }
            None => {}
        }
    }
}

fn bar(id: &str, rounds: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(rounds).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(id.to_owned());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
