use prismq_judge::targets::threshold;

fn met(value: &str) -> bool {
    let target = format!("latency/drain/workers=5:rate {value} tasks/s");
    threshold(&target, "here").unwrap().holds(1006.0)
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
