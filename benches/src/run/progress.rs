//! Shows how far a suite is and about how long it will still take: a bar on a terminal, else a plain line
//! now and then. Always on stderr, and gone before anything else is printed.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal, more lines would bury the figures.
const LINE_EVERY: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(500);

/// The progress of one suite.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    bar: Option<ProgressBar>,
    suite: &'static str,
    /// How long the suites after this one take, if that is known.
    after: Option<Duration>,
    rounds: usize,
    done: usize,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Begins a suite, after which others take so long, if that is known.
    #[must_use]
    pub fn begin(suite: &'static str, after: Option<Duration>, shown: bool) -> Self {
        let bar = (shown && std::io::stderr().is_terminal()).then(bar);
        let now = Instant::now();
        Self { shown, bar, suite, after, rounds: 0, done: 0, started: now, last_line: now }
    }

    /// Adds rounds to what is to be done.
    pub fn extend(&mut self, rounds: usize) {
        self.rounds += rounds;
        if let Some(bar) = &self.bar {
            bar.set_length(size(self.rounds));
        }
    }

    /// Shows which round is about to be run, and how long all that are left will take where that is known.
    pub fn round(&mut self, id: &str, left: Option<Duration>) {
        let left = left.map(|left| self.left(left)).unwrap_or_default();
        match &self.bar {
            Some(bar) => {
                bar.set_position(size(self.done));
                bar.set_message(format!("{id}{left}"));
            }
            None if self.shown && self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{}: round {} of {}{left}", self.suite, self.done + 1, self.rounds);
            }
            None => {}
        }
        self.done += 1;
    }

    fn left(&self, left: Duration) -> String {
        let run = self.after.filter(|after| !after.is_zero());
        let run = run.map(|after| format!(", {} of the whole run", about(left + after)));
        format!(", about {} left{}", about(left), run.unwrap_or_default())
    }

    /// Ends the show.
    pub fn end(self) {
        match self.bar {
            Some(bar) => bar.finish_and_clear(),
            None if self.shown => {
                let took = self.started.elapsed().as_secs_f64();
                eprintln!("{}: {} rounds in {took:.1} s", self.suite, self.done);
            }
            None => {}
        }
    }
}

fn about(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
