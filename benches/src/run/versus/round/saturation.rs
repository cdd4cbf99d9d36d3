//! The highest rate at which tasks still begin in time, found by halving the range in which it lies.

use std::time::Duration;

use super::run::{Run, opened};
use super::{MANY, PIPELINE, SATURATION};
use crate::run::versus::workloads::Reading;
use crate::subject::remote::{Memory, Result, Round};

/// Loads that are tried. Each halves the range, on a logarithmic scale: of 64 it leaves a factor of 1.14.
pub(super) const STEPS: u32 = 5;
/// The range, as multiples of the rate of the closed pipeline.
const LOWEST: f64 = 1.0 / 16.0;
pub(super) const HIGHEST: f64 = 4.0;
/// A rate is kept if 99 of 100 tasks begin so soon after they were due.
const IN_TIME: Duration = Duration::from_millis(100);

impl Run<'_> {
    pub(super) fn saturation(&mut self) -> Result<()> {
        let Some(pipeline_per_s) = self.rate_of(PIPELINE) else { return Ok(()) };
        let mut search = Search::around(pipeline_per_s);
        let mut from = self.tokens.of(SATURATION).start;
        for _ in 0..STEPS {
            let per_s = search.next();
            let tasks = self.sizes.step(per_s);
            self.tokens.set_interval(from..from + tasks, Duration::from_secs_f64(1.0 / per_s));
            self.plan = Memory::plan(&self.tokens.plan())?;
            let round = opened(Round::closed(from, from + tasks, MANY));
            let lanes = self.offer(&round)?;
            self.wait()?;
            self.keep(lanes);
            let waits = self.waits(&round);
            self.fault(waits.fault(SATURATION, "they were due"));
            let p99 = waits.quantile(0.99).map(Duration::from_nanos);
            search.tried(per_s, p99.is_some_and(|p99| p99 <= IN_TIME));
            from += tasks;
        }
        match search.kept {
            Some(per_s) => self.add([Reading::rate(SATURATION, per_s)]),
            None => {
                let least = search.failed;
                self.missing(
                    SATURATION,
                    format!("none: at {least:.0} tasks/s, p99 was over {IN_TIME:?}"),
                );
            }
        }
        Ok(())
    }
}

/// Where the rate lies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Search {
    /// The lower end of the range, until a rate was kept.
    low: f64,
    /// The highest that was kept.
    kept: Option<f64>,
    /// The lowest that was not.
    failed: f64,
}

impl Search {
    fn around(per_s: f64) -> Self {
        Self { low: per_s * LOWEST, kept: None, failed: per_s * HIGHEST }
    }

    fn next(&self) -> f64 {
        (self.kept.unwrap_or(self.low) * self.failed).sqrt()
    }

    fn tried(&mut self, per_s: f64, is_kept: bool) {
        match is_kept {
            true => self.kept = Some(per_s),
            false => self.failed = per_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(limit: f64) -> Search {
        let mut search = Search::around(100.0);
        for _ in 0..STEPS {
            let per_s = search.next();
            search.tried(per_s, per_s <= limit);
        }
        search
    }

    #[test]
    fn a_limit_within_the_range_is_found_to_a_seventh() {
        for limit in [8.0, 50.0, 100.0, 350.0] {
            let kept = found(limit).kept.unwrap();
            assert!(kept <= limit && limit / kept < 1.15, "{limit}: {kept}");
        }
        assert!(found(1e9).kept.unwrap() > 350.0);
    }

    #[test]
    fn of_a_limit_below_the_range_the_lowest_rate_that_failed_is_known() {
        let search = found(1.0);
        assert_eq!(search.kept, None);
        assert!((6.25..7.2).contains(&search.failed), "{search:?}");
    }
}
