//! The page of a record.

use std::collections::BTreeMap;

use predicates::str::contains;
use prismq_record::files::write_versus;
use prismq_record::{
    Contender, Direction, KillBalance, LeftOut, SCHEMA_VERSION, VERSUS_SCHEMA, VersusFigure,
    VersusRecord,
};
use prismq_report::versus::{Section, html, markdown, sections, terminal};

use crate::support::{command, sample};

const DRAIN: &str = "drain, 8 workers";

fn figure(metric: &str, unit: &str, direction: Direction, samples: &[f64]) -> VersusFigure {
    VersusFigure {
        workload: DRAIN.to_owned(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        direction,
        unranked: false,
        samples: samples.to_vec(),
    }
}

fn contender(name: &str, verified: Result<&str, &str>, rates: &[f64]) -> Contender {
    let verified: Result<String, String> = verified.map(str::to_owned).map_err(str::to_owned);
    Contender {
        name: name.to_owned(),
        durability: "default".to_owned(),
        driver: "a driver 1".to_owned(),
        library: name.to_owned(),
        version: "1.2".to_owned(),
        licence: "MIT".to_owned(),
        runtime: "Rust".to_owned(),
        store: "SQLite 3".to_owned(),
        source: "its\nREADME".to_owned(),
        settings: BTreeMap::from([("journal_mode".to_owned(), "wal|x".to_owned())]),
        settle: "call".to_owned(),
        redelivery: "lease".to_owned(),
        claimed: "S".to_owned(),
        verified: verified.into(),
        slowed: None,
        kill: Some(KillBalance {
            acknowledged: 1_234,
            in_doubt: 1,
            lost: 7,
            given_up: 3,
            done_twice: 0,
            redelivered: 2,
            recovered_ms: 12.0,
        }),
        figures: vec![
            figure("tasks_per_s", "tasks/s", Direction::Higher, rates),
            figure(
                "p99_ms",
                "ms",
                Direction::Lower,
                &rates.iter().map(|r| 100.0 / r).collect::<Vec<_>>(),
            ),
        ],
        not_offered: None,
        missing: BTreeMap::new(),
        faults: Vec::new(),
    }
}

fn record() -> VersusRecord {
    let faulty = Contender {
        faults: vec!["2 tasks were lost".to_owned()],
        ..contender("faulty", Ok("S"), &[9e9, 9e9])
    };
    VersusRecord {
        schema: VERSUS_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: sample::RUN.to_owned(),
        started_at: sample::at(0),
        ended_at: sample::at(60),
        stopped: false,
        profile: "standard".to_owned(),
        seed: 7,
        argv: Vec::new(),
        protocol: 1,
        environment: sample::suite("latency").environment,
        syncs_per_s: vec![1_000.0, 3_000.0, 2_000.0],
        contenders: vec![
            contender("slow", Ok("S"), &[40.0, 50.0, 60.0]),
            contender("fast", Ok("S"), &[99.0, 100.0, 101.0]),
            contender("hasty", Ok("C"), &[1_000.0, 1_100.0]),
            contender("unclear", Err("strace is missing"), &[500.0, 500.0]),
            faulty,
        ],
        left_out: vec![LeftOut { name: "absent".to_owned(), reason: "needs node".to_owned() }],
    }
}

fn section(heading: &str) -> Section {
    let sections = sections(&record());
    let headings: Vec<String> = sections.iter().map(|section| section.heading.clone()).collect();
    let found = sections.into_iter().find(|section| section.heading == heading);
    found.unwrap_or_else(|| panic!("{heading} is not among {headings:?}"))
}

#[test]
fn queues_are_ranked_only_within_their_verified_class() {
    let rates = section("Class S, rates");
    let names: Vec<&str> = rates.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["fast (default)", "slow (default)"]);
    assert_eq!(rates.rows[0][1], "100 (best)");
    assert!(rates.rows[1][1].starts_with("50 (0.50; 0."), "{:?}", rates.rows);
    assert_eq!(section("Class C, rates").rows[0][1], "1 050 (best)");
    assert_eq!(section("Not verified, rates").rows.len(), 1);
}

#[test]
fn of_times_the_smallest_is_the_best() {
    let times = section("Class S, times");
    assert_eq!(times.header, ["queue", "drain, 8 workers: p99"]);
    assert_eq!(times.rows[0][..2], ["fast (default)", "1 (best)"]);
    assert!(times.rows[1][1].starts_with("2 (2.00; "), "{:?}", times.rows);
}

#[test]
fn costs_have_a_table_of_their_own_and_a_workload_without_a_figure_says_why() {
    let mut record = record();
    let memory = |mib: f64| VersusFigure {
        workload: "memory".to_owned(),
        ..figure("pss_mib", "MiB", Direction::Lower, &[mib; 3])
    };
    record.contenders[1].figures.push(memory(12.0));
    let slow = &mut record.contenders[0];
    slow.missing = BTreeMap::from([("memory".to_owned(), "not offered: memory".to_owned())]);
    let sections = sections(&record);
    let costs = sections.iter().find(|section| section.heading == "Class S, costs").unwrap();
    assert_eq!(costs.header, ["queue", "memory: pss, MiB"]);
    assert_eq!(costs.rows[0], ["fast (default)", "12 (best)"]);
    assert_eq!(costs.rows[1], ["slow (default)", "not offered: memory"]);
    assert!(html(&record).contains("12 MiB"), "a chart says the unit");
}

#[test]
fn a_table_is_no_wider_than_a_page() {
    let mut record = record();
    for number in 0..9 {
        let more = VersusFigure {
            workload: format!("load {number}"),
            ..figure("begun_p50_ms", "ms", Direction::Lower, &[1.0, 1.0])
        };
        record.contenders[1].figures.push(more);
    }
    let sections = sections(&record);
    let columns = |heading: &str| {
        let section = sections.iter().find(|section| section.heading == heading);
        section.unwrap().header.clone()
    };
    assert_eq!(columns("Class S, times").len(), 9);
    assert_eq!(columns("Class S, times, continued"), ["queue", "load 7: p50", "load 8: p50"]);
    assert_eq!(html(&record).matches("<figcaption>load").count(), 9);
}

#[test]
fn what_is_set_is_shown_without_a_rank_and_what_was_not_reached_in_each_round_says_so() {
    let mut record = record();
    let pause = VersusFigure {
        workload: "pause".to_owned(),
        unranked: true,
        ..figure("p50_ms", "ms", Direction::Lower, &[900.0, 900.0])
    };
    record.contenders[1].figures.push(pause);
    let why = ("pause".to_owned(), "none".to_owned());
    record.contenders[1].missing = BTreeMap::from([why]);
    let sections = sections(&record);
    let times = sections.iter().find(|section| section.heading == "Class S, times").unwrap();
    assert_eq!(times.rows[0], ["fast (default)", "1 (best)", "900 in 2 rounds"]);
    assert!(!html(&record).contains("<figcaption>pause"));
}

#[test]
fn what_takes_no_time_is_no_measure_of_others() {
    let mut record = record();
    for contender in &mut record.contenders {
        contender.figures[1].samples = vec![0.0, 0.0, 0.0];
    }
    record.contenders[0].figures[1].samples = vec![2.0, 2.0, 2.0];
    let sections = sections(&record);
    let times = sections.iter().find(|section| section.heading == "Class S, times").unwrap();
    let cells: Vec<&str> = times.rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(cells, ["0 (best)", "2"]);
}

#[test]
fn what_must_not_be_used_and_what_is_missing_are_named() {
    assert_eq!(section("Not ranked").rows, [["faulty (default)", "2 tasks were lost"]]);
    let ran = section("What ran").rows;
    assert_eq!(ran.last().unwrap()[..2], ["absent", "left out: needs node"]);
    let durability = section("Durability, claimed and verified").rows;
    assert_eq!(durability[3][2], "not verified: strace is missing");
    assert_eq!(section("kill -9").rows[0][1..6], ["1 234", "1", "7", "3", "0"]);
}

#[test]
fn a_queue_that_lacks_what_the_workload_needs_and_a_stopped_run_are_named() {
    let mut record = record();
    record.stopped = true;
    record.contenders[0].figures.clear();
    record.contenders[0].not_offered = Some("retries".to_owned());
    let page = html(&record);
    assert!(page.contains("not offered: retries, which the workload needs"));
    assert!(page.contains("stopped before all rounds were measured"));
    let sections = sections(&record);
    let rates = sections.iter().find(|section| section.heading == "Class S, rates").unwrap();
    assert_eq!(rates.rows.len(), 1, "{rates:?}");
}

#[test]
fn both_forms_show_every_section() {
    let sections = sections(&record());
    let (text, page) = (terminal(&sections), markdown(&sections));
    for section in &sections {
        assert!(text.contains(&section.heading) && page.contains(&section.heading));
    }
    assert!(page.starts_with("# Queues side by side\n"), "{page}");
    assert!(text.contains("its README") && page.contains("its README"), "a row is one line");
    assert!(page.contains("journal_mode = wal\\|x"), "a bar in a cell would end it");
}

#[test]
fn the_page_has_a_chart_of_each_figure_and_no_markup_from_the_record() {
    let mut record = record();
    record.contenders[0].name = "<script>alert(1)</script>".to_owned();
    let page = html(&record);
    assert!(!page.contains("<script"), "a name became markup");
    let in_groups = |page: &str| page.matches("<svg").count();
    // Two figures of each of three groups: class S, class C, and what could not be verified.
    assert_eq!(in_groups(&page), 6);
    assert!(page.contains("drain, 8 workers: p99"));
}

#[test]
fn the_command_shows_the_latest_record_and_says_what_to_do_without_one() {
    let results = tempfile::tempdir().unwrap();
    let missing = command::in_results(results.path(), &["versus"]).assert().code(5);
    missing.stderr(contains("cargo bench --bench versus"));
    write_versus(results.path(), &record()).unwrap();
    let shown = command::in_results(results.path(), &["versus", "--format", "md"]).assert();
    shown.code(0).stdout(contains("## Class S, rates"));
}
