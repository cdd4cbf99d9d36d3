//! The formats that other programs read.

mod ci;
mod data;

use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, Verdict, judge};
use prismq_record::{ConfidenceInterval, Histogram, RunRecord, Validity};

use crate::support::{sample, steady};

/// What would break a format that does not escape it.
const HOSTILE: &str = "a,\"b\"\n<c>&'d' 100%: ::error::e";

/// A run of which latency has an interval and a distribution, and memory is invalid.
fn run() -> RunRecord {
    let mut run = sample::run();
    let latency = &mut run.suites[1].scenarios[0];
    let method = "order statistics of the median".to_owned();
    let interval =
        ConfidenceInterval { level: 0.95, lower: 1002.0, upper: 1009.0, method, rounds: 10 };
    latency.metrics[0].interval = Some(interval);
    let mut histogram = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    for value in 1..=1000 {
        histogram.record(value * 1000).unwrap();
    }
    let encoded = Histogram::encode(&histogram, "ns").unwrap();
    latency.histograms.insert("end_to_end".to_owned(), encoded);
    let memory = &mut run.suites[2].scenarios[0];
    memory.validity = Validity::Invalid { reasons: vec![HOSTILE.to_owned()] };
    run
}

fn judged(run: &RunRecord) -> Verdict {
    let text = format!(
        "{}{}",
        sample::TARGETS,
        "\"stress/drain/workers=5:rate\" = \"> 1e6 tasks/s\"\n\
         \"stress/drain/workers=5:speed_up\" = \"> 2 x\"\n"
    );
    let targets = parse(&text, "t.toml").unwrap();
    judge(run, &targets, Some(steady::compare("before", &sample::faster(2.0), run)), FailOn::Never)
        .unwrap()
}
