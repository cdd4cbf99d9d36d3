//! Handlers that fail: each task fails once, and is to be run again after 20 ms where the queue lets one choose.

use std::collections::HashMap;

use prismq_driver::lane::{Kind, Record};
use prismq_driver::message::Can;

use super::run::Run;
use super::{FAILING, FAILS, FAILURES, PIPELINE_CALLERS};
use crate::run::versus::workloads::{Reading, quantiles};
use crate::subject::remote::Result;

impl Run<'_> {
    /// From the end of the run that failed to the begin of the next.
    pub(super) fn failing(&mut self) -> Result<()> {
        if !self.session.about().can(Can::Retry) {
            self.missing(FAILING, "not offered: retries");
            return Ok(());
        }
        let round = self.closed(FAILING, PIPELINE_CALLERS);
        let lanes = self.offer(&round)?;
        self.attempts += FAILURES * u64::from(FAILS);
        self.wait()?;
        self.keep(lanes);
        let pauses = Pauses::of(self.ran(&round), usize::from(FAILS) + 1);
        self.fault(pauses.fault());
        let readings = quantiles(FAILING, ["p50_ms", "p99_ms"], pauses.times.into_iter());
        // Many queues have a delay of their own, and of whole seconds.
        self.add(
            readings.into_iter().map(|reading| Reading { depends_on_settings: true, ..reading }),
        );
        Ok(())
    }
}

/// How long tasks that failed waited for their next run, in nanoseconds.
#[derive(Debug, PartialEq, Eq)]
struct Pauses {
    times: Vec<u64>,
    /// How many tasks were run more or less often than expected.
    wrong: usize,
    expected: usize,
}

impl Pauses {
    fn of<'a>(records: impl Iterator<Item = &'a Record>, expected: usize) -> Self {
        let mut runs: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
        for record in records.filter(|record| record.kind == Kind::Run) {
            runs.entry(record.token).or_default().push((record.t1, record.t2));
        }
        let wrong = runs.values().filter(|runs| runs.len() != expected).count();
        let mut times = Vec::new();
        for mut runs in runs.into_values() {
            runs.sort_unstable();
            let pairs = runs.iter().zip(runs.iter().skip(1));
            times.extend(pairs.map(|((_, ended), (begun, _))| begun.saturating_sub(*ended)));
        }
        Self { times, wrong, expected }
    }

    fn fault(&self) -> Option<String> {
        let Self { wrong, expected, .. } = self;
        (*wrong > 0).then(|| format!("{FAILING}: {wrong} tasks were not run {expected} times"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_from_the_end_of_a_run_to_the_begin_of_the_next() {
        let run = |token, t1, t2| Record {
            token,
            t1,
            t2,
            kind: Kind::Run,
            ending: None,
            attempt: 1,
            extra: 0,
        };
        let settled = Record { kind: Kind::Settled, ..run(1, 3, 4) };
        let records = [run(1, 20, 30), run(1, 1, 3), settled, run(2, 5, 6)];
        let pauses = Pauses::of(records.iter(), 2);
        assert_eq!(pauses, Pauses { times: vec![17], wrong: 1, expected: 2 });
        assert!(pauses.fault().unwrap().contains("1 tasks were not run 2 times"));
        assert_eq!(Pauses::of(records.iter().take(3), 2).fault(), None);
    }
}
