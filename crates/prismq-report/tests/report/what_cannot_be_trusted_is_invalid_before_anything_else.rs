use prismq_report::record::{RunRecord, Validity};
use prismq_report::targets::parse;
use prismq_report::verdict::{FailOn, Status, judge};

use crate::sample;

fn status(run: &RunRecord, targets: &str) -> (Status, Vec<String>) {
    let targets = parse(targets, "t.toml").unwrap();
    let verdict = judge(run, &targets, None, FailOn::Never).unwrap();
    (verdict.status, verdict.invalid)
}

#[track_caller]
fn invalid(reason: &str, change: impl FnOnce(&mut RunRecord)) {
    let mut run = sample::run();
    change(&mut run);
    // Even if a target is missed as well.
    let missed = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"";
    let (status, reasons) = status(&run, missed);
    assert_eq!(status, Status::Invalid);
    assert!(reasons.iter().any(|found| found.contains(reason)), "{reasons:?}");
}

#[test]
fn what_cannot_be_trusted_is_invalid_before_anything_else() {
    assert_eq!(status(&sample::run(), sample::TARGETS), (Status::Pass, Vec::new()));
    invalid("memory filesystem", |run| {
        run.suites[0].environment.machine.memory_filesystem = true;
    });
    invalid("debug assertions", |run| run.suites[1].environment.build.debug_assertions = true);
    invalid("synchronous = 1", |run| {
        run.suites[2].environment.sqlite.pragmas[1].value = "1".to_owned();
    });
    invalid("did not read back", |run| run.suites[3].environment.sqlite.pragmas.clear());
    invalid("2 tasks lost", |run| {
        let reasons = vec!["2 tasks lost".to_owned()];
        run.suites[4].scenarios[0].validity = Validity::Invalid { reasons };
    });
}
