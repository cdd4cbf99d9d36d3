//! A reference that is meant as an upper bound and is exceeded.

use prismq_judge::verdict::{FailOn, Status, Verdict, judge};
use prismq_record::{ConfidenceInterval, Floor, RunRecord};
use prismq_report::render::{View, markdown, terminal};

use crate::support::sample;

/// A run of which one figure is this many times a reference.
fn compared_with(name: &str, ratio: f64, between: Option<(f64, f64)>) -> RunRecord {
    let interval = between.map(|(lower, upper)| ConfidenceInterval {
        level: 0.95,
        lower,
        upper,
        method: "order statistics".to_owned(),
        rounds: 10,
    });
    let upper_bound = name == "sqlite";
    let mut run = sample::run();
    let floor = Floor { name: name.to_owned(), value: 1000.0, ratio, interval, upper_bound };
    run.suites[4].scenarios[0].metrics[0].floors = vec![floor];
    run
}

fn verdict(run: &RunRecord) -> Verdict {
    judge(run, &[], None, FailOn::Never).unwrap()
}

#[test]
fn an_upper_bound_that_is_exceeded_beyond_chance_is_a_fault() {
    let run = compared_with("sqlite", 1.04, Some((1.01, 1.09)));
    let judged = verdict(&run);
    let [fault] = &judged.faults[..] else { panic!("{judged:?}") };
    let wanted = "throughput/drain/workers=5:rate is 1.04 times its upper bound sqlite (between 1.01 and 1.09)";
    assert!(fault.starts_with(wanted), "{fault}");
    assert_eq!(judged.record(&run).faults, judged.faults);
    // Older records have no interval.
    assert_eq!(verdict(&compared_with("sqlite", 1.04, None)).faults.len(), 1);
}

#[test]
fn a_ratio_that_may_be_one_or_less_is_no_fault() {
    for run in [
        compared_with("sqlite", 1.04, Some((0.98, 1.09))),
        compared_with("sqlite", 0.97, Some((0.95, 0.99))),
        compared_with("sqlite", 0.97, None),
        // A yardstick may be exceeded.
        compared_with("pooled", 16.0, Some((15.0, 17.0))),
    ] {
        assert_eq!(verdict(&run).faults, Vec::<String>::new());
    }
}

#[test]
fn a_fault_is_on_the_first_screen_and_counts_in_strict_mode() {
    let run = compared_with("sqlite", 1.5, Some((1.4, 1.6)));
    let judged = verdict(&run);
    assert_eq!(judged.status, Status::Pass, "it says nothing about the program");
    let view = View::new(&run, &judged);
    let screen = terminal(&view);
    let first = screen.split("\n\n").next().unwrap();
    assert!(first.contains("! throughput/drain/workers=5:rate is 1.50 times"), "{screen}");
    assert!(markdown(&view).unwrap().contains("## Faults of the measurement"));
    let strict = judged.strict();
    assert_eq!((strict.status, strict.inconclusive.len()), (Status::Inconclusive, 1));
    assert!(strict.faults.is_empty(), "named once");
}
