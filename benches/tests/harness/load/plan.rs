//! A workload file is done exactly as it says, the same every time, or refused with line and column
//! and what would be right. No file makes the harness panic.

use std::fs;
use std::path::Path;
use std::time::Duration;

use prismq_bench::base::error::Error;
use prismq_bench::load::plan::{PlanError, Schedule, Workload, load, parse_trace, parse_workload};
use prismq_bench::scenario::workload::perform;
use prismq_bench::subject::SubjectKind;
use proptest::prelude::*;

use crate::support::stage::{SUBJECTS, stage};

const NONE: Vec<String> = Vec::new();

const WORKLOAD: &str = r#"
name = "w"
arrivals = { constant = { rate_per_s = 100.0, duration_s = 0.2 } }
[[tasks]]
type = "t"
payload_bytes = { fixed = 100 }
service_ms = { fixed = 0.0 }
"#;

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads").join(name)
}

/// What is shipped.
const LIBRARY: [&str; 9] = [
    "mail.toml",
    "webhooks.toml",
    "thumbnails.toml",
    "noisy_neighbour.toml",
    "poison_pill.toml",
    "backlog_recovery.toml",
    "cron_herd.toml",
    "long_reader.toml",
    "trace.csv",
];

fn schedule(text: &str) -> Schedule {
    let plan = parse_workload("w.toml", text);
    let none = Schedule { kinds: Vec::new(), tasks: Vec::new(), open: true };
    plan.map_or(none, |plan| Schedule::draw(&plan))
}

/// What is wrong with the workload when a part of it is replaced, without the file's name.
fn refusal(from: &str, to: &str) -> String {
    assert!(WORKLOAD.contains(from), "{from:?}");
    said(parse_workload("", &WORKLOAD.replace(from, to)))
}

fn trace_refusal(lines: &str) -> String {
    let text =
        format!("# a comment\n\ntime_s,queue,type,priority,payload_bytes,service_ms\n{lines}");
    said(parse_trace("", &text))
}

fn said<T>(result: Result<T, PlanError>) -> String {
    let said = result.err().map(|error| error.to_string()).unwrap_or_default();
    said.trim_start_matches(':').to_owned()
}

#[test]
fn the_examples_are_done_as_they_say() {
    for name in LIBRARY {
        let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
        let workload = load(&example(name)).unwrap();
        assert!(workload.schedule.tasks.len() > 100, "{name}");
        let Workload { settings, schedule, .. } = workload.for_trial();
        let done = perform(&stage, &settings, &schedule).unwrap();
        assert_eq!(done.faults, NONE, "{name}");
        assert_eq!(done.audit.enqueued + done.dead, 40, "{name}");
        assert!(
            done.tasks.iter().zip(&schedule.tasks).all(|(task, planned)| task.trace.run.is_some()
                && (task.trace.completed.is_some() || planned.dies()))
        );
    }
}

#[test]
fn failures_are_as_many_as_planned() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let text = format!("{WORKLOAD}failure_probability = 0.5\nmax_attempts = 2\n");
        let plan = parse_workload("w.toml", &text).unwrap();
        let schedule = Schedule::draw(&plan);
        let dying = schedule.tasks.iter().filter(|task| task.dies()).count();
        assert!((1..20).contains(&dying), "{dying} of 20 die by this seed");
        let done = perform(&stage, &plan.settings, &schedule).unwrap();
        assert_eq!((done.faults, done.dead), (NONE, dying as u64), "{subject:?}");
        assert!(done.retried > 0, "{subject:?}");
    }
}

#[test]
fn a_closed_workload_and_every_order_are_done() {
    for order in [
        "\"first_in_first_out\"",
        "\"last_in_first_out\"",
        "\"weighted_random\"",
        "{ ageing = { step_ms = 5.0 } }",
    ] {
        let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
        let text = WORKLOAD
            .replace(
                "constant = { rate_per_s = 100.0, duration_s = 0.2 }",
                "closed = { tasks = 30 }",
            )
            .replace("name = \"w\"", &format!("name = \"w\"\norder = {order}"));
        let plan = parse_workload("w.toml", &text).unwrap();
        let done = perform(&stage, &plan.settings, &Schedule::draw(&plan)).unwrap();
        assert_eq!((done.faults, done.audit.completed), (NONE, 30), "{order}");
    }
}

#[test]
fn a_subject_without_queues_refuses_another_queue() {
    let (_directory, stage) = stage(SubjectKind::Pooled).unwrap();
    let plan = parse_workload("w.toml", &format!("{WORKLOAD}queue = \"other\"\n")).unwrap();
    let error = perform(&stage, &plan.settings, &Schedule::draw(&plan)).unwrap_err();
    assert!(matches!(&error, Error::Subject { .. }), "{error}");
    assert!(error.to_string().contains("other"), "{error}");
}

#[test]
fn a_seed_makes_the_same_work_and_another_seed_other_work() {
    let poisson = WORKLOAD.replace("constant", "poisson");
    let seeded =
        |seed: u64| schedule(&poisson.replacen("name", &format!("seed = {seed}\nname"), 1));
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn what_is_drawn_follows_what_was_asked_for() {
    let text = r#"
name = "w"
arrivals = { poisson = { rate_per_s = 2000.0, duration_s = 10.0 } }
[[tasks]]
type = "often"
weight = 3.0
priority = { choice = [{ value = 1, weight = 1.0 }, { value = 2, weight = 0.0 }] }
payload_bytes = { uniform = { min = 10, max = 20 } }
service_ms = { exponential = { mean = 4.0 } }
[[tasks]]
type = "seldom"
payload_bytes = { choice = [{ value = 5 }, { value = 6 }] }
service_ms = { lognormal = { median = 2.0, sigma = 0.5 } }
"#;
    let tasks = schedule(text).tasks;
    let near = |found: f64, meant: f64| (found / meant - 1.0).abs() < 0.05;
    let count = |of: &dyn Fn(&prismq_bench::load::plan::PlannedTask) -> bool| {
        tasks.iter().filter(|task| of(task)).count() as f64
    };
    let all = tasks.len() as f64;
    assert!(near(all, 20_000.0), "{all}");
    assert!(near(count(&|task| task.kind == 0) / all, 0.75));
    assert!(tasks.windows(2).all(|two| two[0].at <= two[1].at));
    for task in &tasks {
        let (sizes, priority) = if task.kind == 0 { (10..=20, 1) } else { (5..=6, 100) };
        assert!(sizes.contains(&task.payload_bytes) && task.priority == priority, "{task:?}");
    }
    let often: Vec<f64> = tasks
        .iter()
        .filter(|task| task.kind == 0)
        .map(|task| task.service.as_secs_f64() * 1e3)
        .collect();
    assert!(near(often.iter().sum::<f64>() / often.len() as f64, 4.0));
    let below = count(&|task| task.kind == 1 && task.service < Duration::from_millis(2));
    assert!(near(below, count(&|task| task.kind == 1) / 2.0), "the median of the lognormal");
    // Of exponential gaps, 1 - 1/e are shorter than the mean.
    let short = tasks.windows(2).filter(|two| two[1].at - two[0].at < Duration::from_micros(500));
    assert!(near(short.count() as f64 / all, 0.632));
}

#[test]
fn bursts_come_at_once_and_then_nothing() {
    let burst = "burst = { size = 3, every_s = 0.1, duration_s = 0.25 }";
    let constant = "constant = { rate_per_s = 100.0, duration_s = 0.2 }";
    let at: Vec<u128> = schedule(&WORKLOAD.replace(constant, burst))
        .tasks
        .iter()
        .map(|task| task.at.as_millis())
        .collect();
    assert_eq!(at, [0, 0, 0, 100, 100, 100, 200, 200, 200]);
}

#[test]
fn a_bad_workload_is_refused_with_its_place_and_what_is_allowed() {
    let cases = [
        ("rate_per_s = 100.0", "rate_per_s = -1.0", "3:40: rate_per_s is -1; allowed is 0.001 to"),
        ("rate_per_s = 100.0", "rate_per_s = nan", "3:40: rate_per_s is NaN; allowed is"),
        ("rate_per_s = 100.0", "rate_per_s = inf", "3:40: rate_per_s is inf; allowed is"),
        ("rate_per_s = 100.0", "rate_per_s = \"x\"", "3:40: invalid type: string"),
        ("duration_s = 0.2", "duration_s = 86400.1", "allowed is 0.001 to 86400"),
        (
            "rate_per_s = 100.0, duration_s = 0.2",
            "rate_per_s = 1e6, duration_s = 60.0",
            "3:12: this makes 60000000 tasks; allowed are at most 2000000",
        ),
        ("constant", "steady", "unknown variant `steady`, expected one of `constant`, `poisson`"),
        ("type = \"t\"", "typ = \"t\"", "5:1: unknown field `typ`, expected one of `type`"),
        ("type = \"t\"", "type = \"\"", "5:8: \"\" is not a name; allowed are 1 to 128 bytes"),
        (
            "name = \"w\"",
            "name = \"../w\"",
            "2:8: \"../w\" is not a name; allowed are 1 to 40 letters",
        ),
        ("name = \"w\"\n", "", "missing field `name`"),
        ("fixed = 100 }", "fixed = -1 }", "6:27: payload_bytes is -1; allowed is 0 to 67108864"),
        (
            "fixed = 100 }",
            "uniform = { min = 5, max = 4 } }",
            "max is 4; allowed is what is at least",
        ),
        ("fixed = 100 }", "choice = [] }", "6:17: the list has 0 values; allowed are 1 to 10000"),
        (
            "fixed = 100 }",
            "choice = [{ value = 1, weight = 0.0 }] }",
            "6:17: the weights add up to 0",
        ),
        (
            "fixed = 100 }",
            "choice = [{ value = 1, weight = -2.0 }] }",
            "weight is -2; allowed is 0 to",
        ),
        ("fixed = 0.0 }", "fixed = 3600001.0 }", "allowed is 0 to 3600000"),
        (
            "fixed = 0.0 }",
            "lognormal = { median = 1.0, sigma = -1.0 } }",
            "sigma is -1; allowed is 0",
        ),
        (
            "fixed = 0.0 }\n",
            "fixed = 0.0 }\nfailure_probability = 1.5\n",
            "8:23: failure_probability",
        ),
        (
            "fixed = 0.0 }\n",
            "fixed = 0.0 }\nmax_attempts = 0\n",
            "8:16: max_attempts is 0; allowed is 1",
        ),
        ("[[tasks]]", "workers = 0\n[[tasks]]", "4:11: workers is 0; allowed is 1 to 1024"),
        (
            "[[tasks]]",
            "reader = { from_s = 2.0, to_s = 1.0 }\n[[tasks]]",
            "4:33: to_s is 1; allowed is what is more than from_s, 2",
        ),
        ("[[tasks]]", "seed = -1\n[[tasks]]", "4:8: invalid value: integer `-1`"),
        ("[[tasks]]", "= 3\n[[tasks]]", "4:1: "),
    ];
    for (from, to, expected) in cases {
        let refusal = refusal(from, to);
        assert!(refusal.contains(expected), "{to}: {refusal:?} does not say {expected:?}");
    }
    let twice = format!("{WORKLOAD}\n{}", &WORKLOAD[WORKLOAD.find("[[tasks]]").unwrap()..]);
    let error = parse_workload("w", &twice).unwrap_err();
    assert!(error.to_string().starts_with("w:10:8: the type \"t\""), "{error}");
    let none = &WORKLOAD[..WORKLOAD.find("[[tasks]]").unwrap()];
    let error = parse_workload("w", none).unwrap_err();
    assert!(error.to_string().contains("at least one [[tasks]] is needed"), "{error}");
}

#[test]
fn payloads_that_would_fill_a_disk_are_refused() {
    let large = WORKLOAD
        .replace("fixed = 100 ", "fixed = 60_000_000 ")
        .replace("duration_s = 0.2", "duration_s = 60.0");
    let error = parse_workload("w", &large).unwrap_err();
    assert!(error.to_string().contains("GiB of payloads; allowed are at most 64 GiB"), "{error}");
}

#[test]
fn a_bad_trace_is_refused_with_its_place_and_what_is_allowed() {
    let cases = [
        ("", "4:1: the trace has no task"),
        ("1,q,t,100,5,2\n0.5,q,t,100,5,2\n", "5:1: time_s is before that of the task above"),
        ("1,q,t,100,5,2\n# x\n\n0.5,q,t,100,5,2\n", "7:1: time_s is before"),
        ("-1,q,t,100,5,2\n", "4:1: \"-1\" is not a number from 0 to 86400"),
        ("nan,q,t,100,5,2\n", "4:1: \"nan\" is not a number"),
        ("1,,t,100,5,2\n", "4:3: \"\" is not a name"),
        ("1,\"a,b\",t,high,5,2\n", "4:11: \"high\" is not a number from -32768 to 32767"),
        ("1,q,t,100,99999999999,2\n", "4:11: \"99999999999\" is not a number from 0 to 67108864"),
        ("1,q,t,100,5,inf\n", "4:13: \"inf\" is not a number from 0 to 3600000"),
        ("1,q,t,100,5\n", "4:1: the line has 5 fields, not 6"),
    ];
    for (lines, expected) in cases {
        let refusal = trace_refusal(lines);
        assert!(refusal.starts_with(expected), "{lines:?}: {refusal:?} is not {expected:?}");
    }
    let header = |text: &str| parse_trace("t", text).unwrap_err().to_string();
    assert!(header("").starts_with("t:1:1: the trace is empty"));
    assert!(
        header("time_s,colour\n").starts_with("t:1:8: \"colour\" is not a column; the columns are")
    );
    assert!(header("time_s,time_s\n").contains("is there twice"));
    assert!(header("time_s,queue\n").contains("the column \"type\" is missing"));
}

#[test]
fn columns_may_stand_in_any_order_and_names_be_quoted() {
    let text = "type,queue,time_s,service_ms,payload_bytes,priority\r\n\"a,b\",q,1.5,2,3,-4\r\n";
    let tasks = parse_trace("t", text).unwrap();
    let [task] = tasks.as_slice() else { panic!("{tasks:?}") };
    assert_eq!((task.kind.task_type.as_str(), task.kind.queue.as_str()), ("a,b", "q"));
    assert_eq!((task.at, task.service), (Duration::from_millis(1500), Duration::from_millis(2)));
    assert_eq!((task.payload_bytes, task.priority), (3, -4));
}

#[test]
fn a_workload_may_name_a_trace_next_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("w.toml");
    let text = "name = \"w\"\nworkers = 3\narrivals = { trace = { file = \"t.csv\" } }\n";
    fs::write(&path, text).unwrap();
    assert!(matches!(load(&path), Err(Error::Io { .. })), "there is no trace yet");
    let trace = "time_s,queue,type,priority,payload_bytes,service_ms\n0,q,t,1,2,3\n";
    fs::write(directory.path().join("t.csv"), trace).unwrap();
    let workload = load(&path).unwrap();
    assert_eq!((workload.settings.workers, workload.schedule.tasks.len()), (3, 1));
    fs::write(&path, format!("{text}[[tasks]]\ntype = \"t\"\npayload_bytes = {{ fixed = 1 }}\nservice_ms = {{ fixed = 1.0 }}\n")).unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("remove [[tasks]]"));
    fs::write(&path, [0x6e, 0xff]).unwrap();
    assert!(load(&path).unwrap_err().to_string().ends_with("w.toml:1:2: this is not UTF-8"));
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,300}") {
        let _ = parse_workload("w", &text);
        let _ = parse_trace("t", &text);
    }

    #[test]
    fn no_damage_to_a_workload_makes_a_parser_panic(
        at in 0..WORKLOAD.len(), cut in 0_usize..12, put in "[-0-9a-z\\[\\]{}=\".,\n#é]{0,8}",
    ) {
        let mut text = WORKLOAD.to_owned();
        text.replace_range(at..(at + cut).min(WORKLOAD.len()), &put);
        match parse_workload("w", &text) {
            // What is accepted can be planned.
            Ok(plan) => prop_assert!(Schedule::draw(&plan).tasks.len() <= 2_000_000),
            Err(error) => prop_assert!(error.line >= 1 && error.line <= text.lines().count() + 1),
        }
    }

    #[test]
    fn no_line_of_a_trace_makes_a_parser_panic(lines in "[-0-9a-z,\"#\r\n.é]{0,200}") {
        let text = format!("time_s,queue,type,priority,payload_bytes,service_ms\n{lines}");
        if let Err(error) = parse_trace("t", &text) {
            prop_assert!(error.line >= 1 && error.line <= text.split('\n').count() + 1);
        }
    }
}
