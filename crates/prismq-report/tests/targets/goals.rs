use prismq_judge::targets::{Outcome, check, parse};

use crate::support::sample;

const TARGETS: &str = r#"
[targets]
"throughput/drain/workers=5:rate" = "> 200 tasks/s"
[goals]
"latency/drain/workers=5:rate" = "> 9000 tasks/s"
"#;

#[test]
fn a_goal_is_not_asked_of_a_smoke_run() {
    let targets = parse(TARGETS, "t.toml").unwrap();
    let mut run = sample::run();
    let checks = check(&targets, &run).unwrap();
    assert_eq!(checks.len(), 2);
    assert!(matches!(checks[1].outcome, Outcome::Missed { .. }), "{checks:?}");

    for suite in &mut run.suites {
        suite.profile = "smoke".to_owned();
    }
    let checks = check(&targets, &run).unwrap();
    let [check] = &checks[..] else { panic!("{checks:?}") };
    assert_eq!(check.target.scenario, "throughput/drain/workers=5");
}
