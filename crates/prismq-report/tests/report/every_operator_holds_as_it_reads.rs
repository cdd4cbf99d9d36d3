use prismq_report::targets::{Outcome, check, parse};

use crate::sample;

/// The rate of the sample is 1006.
fn met(value: &str) -> bool {
    let text = format!("[targets]\n\"latency/drain/workers=5:rate\" = \"{value} tasks/s\"");
    let checks = check(&parse(&text, "t.toml").unwrap(), &sample::run()).unwrap();
    matches!(checks[0].outcome, Outcome::Met { .. })
}

#[test]
fn every_operator_holds_as_it_reads() {
    for (operator, below, at, above) in [
        ("<", false, false, true),
        ("<=", false, true, true),
        ("=", false, true, false),
        (">=", true, true, false),
        (">", true, false, false),
    ] {
        let holds = ["1005", "1006", "1007"].map(|bound| met(&format!("{operator} {bound}")));
        assert_eq!(holds, [below, at, above], "{operator}");
    }
}
