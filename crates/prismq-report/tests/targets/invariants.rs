//! What must hold at any speed: checked like targets, shown as one line while it holds.

use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, Status, Verdict, judge};
use prismq_report::render::{View, terminal};

use crate::support::sample;

const TARGETS: &str = r#"
[targets]
"throughput/drain/workers=5:rate" = "> 200 tasks/s"
[invariants]
"throughput/drain/workers=5:rate" = "< 9000 tasks/s"
"latency/drain/workers=5:rate" = "BOUND tasks/s"
"#;

fn judged(bound: &str) -> (Verdict, String) {
    let targets = parse(&TARGETS.replace("BOUND", bound), "t.toml").unwrap();
    let run = sample::run();
    let verdict = judge(&run, &targets, None, FailOn::Never).unwrap();
    let text = terminal(&View::new(&run, &verdict));
    (verdict, text)
}

#[test]
fn invariants_that_hold_are_one_line() {
    let (verdict, text) = judged("> 200");
    assert_eq!(verdict.status, Status::Pass);
    assert!(text.contains("PASS: 1 of 1 targets met, 2 invariants held\n"), "{text}");
    assert!(text.contains("\n1 target met, 2 invariants held\n"), "{text}");
    assert!(!text.contains("< 9"), "{text}");
}

#[test]
fn an_invariant_that_does_not_hold_fails_the_run_by_name() {
    let (verdict, text) = judged("< 200");
    assert_eq!(verdict.status, Status::TargetMissed);
    assert!(text.contains("1 of 2 targets missed"), "{text}");
    assert!(text.contains("MISSED  latency/drain/workers=5:rate"), "{text}");
    assert!(text.contains("wanted < 200 tasks/s"), "{text}");
    assert!(text.contains("\n1 target met, 1 invariant held\n"), "{text}");
}
