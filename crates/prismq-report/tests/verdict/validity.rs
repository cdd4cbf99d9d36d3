//! What makes a run invalid, inconclusive or doubtful.

use prismq_judge::targets::{Outcome, parse};
use prismq_judge::verdict::{FailOn, Status, judge};
use prismq_record::{Disturbance, Pragma, Round, RunRecord, SyncCheck, SyncFinding, Validity};
use prismq_report::render::{View, markdown};

use crate::support::sample;

fn status(run: &RunRecord, targets: &str) -> (Status, Vec<String>) {
    let targets = parse(targets, "t.toml").unwrap();
    let verdict = judge(run, &targets, None, FailOn::Never).unwrap();
    (verdict.status, verdict.invalid)
}

fn does_not_wait() -> SyncCheck {
    let reasons = vec!["it took 1 µs".to_owned()];
    SyncCheck { finding: SyncFinding::DoesNotWait, reasons, trusted: false }
}

#[track_caller]
fn invalid(reason: &str, change: impl FnOnce(&mut RunRecord)) {
    let mut run = sample::run();
    change(&mut run);
    // Although a target is missed as well.
    let missed = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"";
    let (status, reasons) = status(&run, missed);
    assert_eq!(status, Status::Invalid);
    assert!(reasons.iter().any(|found| found.contains(reason)), "{reasons:?}");
}

#[test]
fn an_invalid_run_is_reported_before_any_other_reason() {
    assert_eq!(status(&sample::run(), sample::TARGETS), (Status::Pass, Vec::new()));
    invalid("memory filesystem", |run| {
        run.suites[0].environment.machine.memory_filesystem = true;
    });
    invalid("debug assertions", |run| run.suites[1].environment.build.debug_assertions = true);
    invalid("synchronous = 1", |run| {
        run.suites[2].environment.sqlite.pragmas[1].value = "1".to_owned();
    });
    invalid("syncs do not wait for the disk, so no figure is durable: it took 1 µs", |run| {
        run.suites[0].environment.sync = does_not_wait();
    });
    invalid("did not read back", |run| run.suites[3].environment.sqlite.pragmas.clear());
    invalid("2 tasks lost", |run| {
        let reasons = vec!["2 tasks lost".to_owned()];
        run.suites[4].scenarios[0].validity = Validity::Invalid { reasons };
    });
}

/// The queue syncs the WAL itself, so its connections are `synchronous = NORMAL`.
#[test]
fn the_durability_of_the_queue_counts_before_its_connections() {
    let set = |durability: &str| {
        let durability = Pragma { name: "durability".to_owned(), value: durability.to_owned() };
        move |run: &mut RunRecord| {
            let pragmas = &mut run.suites[2].environment.sqlite.pragmas;
            pragmas[1].value = "1".to_owned();
            pragmas.push(durability);
        }
    };
    let mut run = sample::run();
    set("full")(&mut run);
    assert_eq!(status(&run, sample::TARGETS), (Status::Pass, Vec::new()));
    invalid("durability = normal", set("normal"));
}

#[test]
fn a_server_is_durable_by_settings_of_its_own() {
    let on_server = |fsync: &str, synchronous_commit: &str| {
        let mut run = sample::run();
        let setting =
            |(name, value): (&str, &str)| Pragma { name: name.to_owned(), value: value.to_owned() };
        let settings = [("fsync", fsync), ("synchronous_commit", synchronous_commit)];
        for suite in &mut run.suites {
            suite.environment.sqlite.pragmas = settings.map(setting).to_vec();
        }
        status(&run, sample::TARGETS)
    };
    assert_eq!(on_server("on", "on"), (Status::Pass, Vec::new()));
    for (fsync, commit, expected) in
        [("off", "on", "fsync = off"), ("on", "off", "synchronous_commit = off")]
    {
        let (status, reasons) = on_server(fsync, commit);
        assert_eq!(status, Status::Invalid);
        assert!(reasons[0].contains(expected), "{reasons:?}");
    }
}

#[test]
fn a_target_missed_on_a_disturbed_machine_is_undecided() {
    let with = |others: f64, operator: &str| {
        let targets =
            format!("[targets]\n\"latency/drain/workers=5:rate\" = \"{operator} 1e9 tasks/s\"");
        let mut run = sample::run();
        let latency = run.suites.iter_mut().find(|suite| suite.suite == "latency").unwrap();
        let disturbance =
            Disturbance { seconds: 1.0, others_percent: Some(others), ..Disturbance::default() };
        latency.scenarios[0].rounds =
            vec![Round { disturbance: Some(disturbance), ..Round::default() }];
        let verdict =
            judge(&run, &parse(&targets, "t.toml").unwrap(), None, FailOn::Never).unwrap();
        let undecided = verdict.count(|outcome| matches!(outcome, Outcome::Undecided { .. }));
        (verdict.status, undecided, verdict.faults.join("\n"), verdict.strict().status)
    };
    assert_eq!(with(9.0, ">").0, Status::TargetMissed);
    let (status, undecided, why, strict) = with(50.0, ">");
    assert_eq!((status, undecided, strict), (Status::Pass, 1, Status::Inconclusive));
    assert!(why.contains("disturbed in 1 of 1 rounds: other processes used 50 %"), "{why}");
    assert_eq!(with(50.0, "=").0, Status::TargetMissed, "others do not make a count wrong");
}

/// A single disturbed round does not excuse a program that is slow in all of them.
#[test]
fn a_target_that_undisturbed_rounds_miss_too_is_missed() {
    let with = |disturbed_rounds: usize, target: &str| {
        let targets = format!("[targets]\n\"latency/drain/workers=5:{target}");
        let mut run = sample::run();
        let latency = run.suites.iter_mut().find(|suite| suite.suite == "latency").unwrap();
        let disturbance =
            Disturbance { seconds: 1.0, others_percent: Some(50.0), ..Disturbance::default() };
        let disturbed = Round { disturbance: Some(disturbance), ..Round::default() };
        latency.scenarios[0].rounds = vec![disturbed; disturbed_rounds];
        latency.scenarios[0].rounds.resize(10, Round::default());
        // It was taken once, from all rounds together.
        latency.scenarios[0].metrics[1].value = Some(1.0);
        judge(&run, &parse(&targets, "t.toml").unwrap(), None, FailOn::Never).unwrap().status
    };
    let (rate, speed_up) = ("rate\" = \"> 2000 tasks/s\"", "speed_up\" = \"> 2 x\"");
    for target in [rate, speed_up] {
        assert_eq!(with(0, target), Status::TargetMissed);
        assert_eq!(with(5, target), Status::Pass, "it is undecided");
    }
    assert_eq!(with(4, rate), Status::TargetMissed);
    assert_eq!(with(4, speed_up), Status::Pass, "undisturbed rounds alone have no such figure");
}

/// Neither a load that was not as planned nor a figure that it lacks says anything about the program.
#[test]
fn a_load_that_others_disturbed_is_not_measured() {
    let targets = "[targets]\n\"latency/drain/workers=5:unknown\" = \"> 1 tasks/s\"";
    let with = |others: f64, validity: &Validity| {
        let mut run = sample::run();
        let latency = run.suites.iter_mut().find(|suite| suite.suite == "latency").unwrap();
        let disturbance =
            Disturbance { seconds: 1.0, others_percent: Some(others), ..Disturbance::default() };
        let disturbed = Round { disturbance: Some(disturbance), ..Round::default() };
        latency.scenarios[0].rounds = vec![disturbed, Round::default()];
        latency.scenarios[0].validity = validity.clone();
        let verdict = judge(&run, &parse(targets, "t.toml").unwrap(), None, FailOn::Never).unwrap();
        let text = verdict.faults.join("\n");
        (verdict.status, text, verdict.clone().strict().status, verdict.require_all().status)
    };
    assert_eq!(with(9.0, &Validity::Valid).0, Status::Invalid, "it has no data");
    let reasons = vec!["the callers offered 60 % of the intended rate".to_owned()];
    let (status, why, strict, all) = with(50.0, &Validity::Disturbed { reasons });
    assert_eq!(status, Status::Partial, "1 of 1 targets was not measured");
    assert_eq!((strict, all), (Status::Inconclusive, Status::Invalid));
    assert!(why.contains("offered 60 %") && why.contains("other processes used 50 %"), "{why}");
    let reasons = vec!["2 tasks lost".to_owned()];
    assert_eq!(with(50.0, &Validity::Invalid { reasons }).0, Status::Invalid);
}

#[test]
fn a_trusted_disk_and_a_doubtful_one_are_warnings() {
    let with = |sync: SyncCheck| {
        let mut run = sample::run();
        run.suites[0].environment.sync = sync;
        assert_eq!(status(&run, sample::TARGETS), (Status::Pass, Vec::new()));
        let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
        markdown(&View::new(&run, &verdict)).unwrap()
    };
    let text = with(SyncCheck { trusted: true, ..does_not_wait() });
    assert!(text.contains("syncs are trusted"), "{text}");
    let text = with(SyncCheck { finding: SyncFinding::Doubtful, ..does_not_wait() });
    assert!(text.contains("syncs may not wait for the disk: it took 1 µs"), "{text}");
}
