//! The verdict in a combined record.

use prismq_record::files::{Selection, read_run};
use prismq_record::history;
use prismq_report::conclude::{Options, conclude};

use crate::support::sample;

#[test]
fn a_combined_record_holds_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let targets = folder.path().join("targets.toml");
    let text = format!("{}\"memory/drain/workers=5:speed_up\" = \"> 2 x\"\n", sample::TARGETS);
    std::fs::write(&targets, text).unwrap();
    sample::write(folder.path(), &sample::faster(4.0));
    let baseline = prismq_record::baseline::save(folder.path(), "before", &sample::run(), false);
    baseline.unwrap();
    let options = Options {
        results: folder.path(),
        targets: &targets,
        criterion: folder.path(),
        run: Selection::Latest,
        save_baseline: None,
        baseline: Some("before".to_owned()),
        baseline_lenient: false,
    };
    let concluded = conclude(&options).unwrap();
    let run = read_run(&concluded.files[0]).unwrap();
    let verdict = run.verdict.unwrap();
    assert_eq!(verdict.status, "INVALID");
    assert_eq!(verdict.invalid, ["1 of 3 targets have no data"]);
    let [throughput, _, memory] = &verdict.thresholds[..] else { panic!("{verdict:?}") };
    assert!(throughput.ok);
    assert_eq!(throughput.wanted, "> 200 tasks/s");
    assert_eq!((throughput.observed, throughput.margin), (Some(4024.0), Some(19.12)));
    assert_eq!((memory.ok, memory.observed), (false, None));
    assert_eq!(memory.reason.as_deref(), Some("one worker was not run"));
    let comparison = verdict.comparison.unwrap();
    assert_eq!((comparison.baseline.as_str(), comparison.metrics.len()), ("before", 5));
    let metric = &comparison.metrics[0];
    assert_eq!((metric.verdict.as_str(), metric.delta), ("improved", Some(3.0)));
    let (lower, upper) = (metric.delta_lower.unwrap(), metric.delta_upper.unwrap());
    assert!((2.8..=3.0).contains(&lower) && (3.0..=3.2).contains(&upper), "{lower} {upper}");
    assert!(metric.noise_floor.unwrap() >= 0.05);
    let interval = throughput.interval.as_ref().unwrap();
    assert!((3900.0..4000.0).contains(&interval.lower), "{interval:?}");
    assert!((4050.0..4150.0).contains(&interval.upper), "{interval:?}");
    assert_eq!((interval.rounds, throughput.outcome.as_str()), (10, "met"));
    assert_eq!(memory.outcome, "no data");

    let history = history::read(folder.path()).unwrap();
    assert_eq!((history.len(), history[0].status.as_str()), (1, "INVALID"));
    conclude(&options).unwrap();
    assert_eq!(history::read(folder.path()).unwrap().len(), 1, "the same run is one line");
}
