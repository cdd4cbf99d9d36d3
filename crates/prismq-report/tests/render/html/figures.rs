//! The tables of the figures match the record.

use prismq_record::{Interval, RunRecord, Scenario};

use crate::support::full_run::full_run;
use crate::support::full_run::latency::LOADS;
use crate::support::full_run::throughput::WORKERS;
use crate::support::page::{assert_shows, bare, figure, full, table};

const MIB: f64 = 1_048_576.0;

fn scenario<'a>(run: &'a RunRecord, id: &str) -> &'a Scenario {
    let mut all = run.suites.iter().flat_map(|suite| &suite.scenarios);
    all.find(|scenario| scenario.id == id).unwrap_or_else(|| panic!("no {id}"))
}

fn value(scenario: &Scenario, metric: &str) -> Option<f64> {
    scenario.metric(metric)?.value
}

fn intervals<'a>(run: &'a RunRecord, id: &str) -> &'a [Interval] {
    &scenario(run, id).rounds[0].intervals
}

fn end(piece: &Interval) -> f64 {
    piece.from_s + piece.seconds
}

fn rate(piece: &Interval, count: Option<u64>) -> f64 {
    count.unwrap() as f64 / piece.seconds
}

/// A latency of a histogram in nanoseconds, in milliseconds.
fn ms(scenario: &Scenario, histogram: &str, quantile: f64) -> f64 {
    let histogram = scenario.histograms[histogram].decode().unwrap();
    histogram.value_at_quantile(quantile) as f64 / 1e6
}

#[test]
fn throughput_over_workers_matches_the_record() {
    let (page, run) = (full(), full_run().run);
    let rows = table(&page, "scaling");
    assert_eq!(rows.len(), WORKERS.len());
    for (row, workers) in rows.iter().zip(WORKERS) {
        let scenario = scenario(&run, &format!("throughput/drain/workers={workers}"));
        let interval = scenario.metric("tasks_per_s").unwrap().interval.as_ref().unwrap();
        assert_shows(&row[0], f64::from(workers));
        assert_shows(&row[1], value(scenario, "tasks_per_s"));
        assert_shows(&row[2], interval.lower);
        assert_shows(&row[3], interval.upper);
    }
    assert_eq!(rows[0][4], "100 %");
}

#[test]
fn throughput_over_processes_is_drawn_after_the_first_picture_of_workers() {
    let mut run = full_run().run;
    for suite in &mut run.suites {
        let drained = |scenario: &&Scenario| scenario.id.starts_with("throughput/drain/workers=");
        let mut of_processes: Vec<Scenario> =
            suite.scenarios.iter().filter(drained).cloned().collect();
        for scenario in &mut of_processes {
            scenario.id = scenario.id.replace("drain/workers=", "shared/processes=");
        }
        suite.scenarios.extend(of_processes);
    }
    let page = bare(&run);
    let second = figure(&page, "scaling").split("<p class=\"subject\">").nth(2).unwrap();
    assert!(second.starts_with("throughput&#x2f;shared</p>"));
    assert!(figure(&page, "scaling").contains("<th scope=\"col\">processes</th>"));
}

#[test]
fn latency_over_load_matches_the_record() {
    let (page, run) = (full(), full_run().run);
    let rows = table(&page, "load");
    assert_eq!(rows.len(), LOADS.len());
    for (row, load) in rows.iter().zip(LOADS) {
        let scenario = scenario(&run, &format!("latency/open/load={load}"));
        assert_shows(&row[0], f64::from(load));
        for (cell, metric) in
            row[1..].iter().zip(["offered_tasks_per_s", "p50_ms", "p95_ms", "p99_ms"])
        {
            assert_shows(cell, value(scenario, metric));
        }
    }
}

#[test]
fn percentiles_with_and_without_correction_match_the_record() {
    let (page, data) = (full(), full_run());
    let rows = table(&page, "percentiles");
    let (now, before) = (&data.run, &data.baseline);
    let id = "latency/open/load=50";
    for (row, quantile) in rows.iter().zip([0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0]) {
        assert_shows(&row[1], ms(scenario(now, id), "end_to_end", quantile));
        assert_shows(&row[2], ms(scenario(now, id), "end_to_end_uncorrected", quantile));
        assert_shows(&row[3], ms(scenario(before, id), "end_to_end", quantile));
    }
    let hidden = (&rows[4][1], &rows[4][2]);
    assert_ne!(hidden.0, hidden.1, "the stall shows in the corrected figure alone");
}

#[test]
fn intervals_over_time_match_the_record() {
    let (page, run) = (full(), full_run().run);
    let pieces = intervals(&run, "latency/open/load=50");
    let p99 = |piece: &Interval| {
        let latencies = piece.end_to_end.as_ref().unwrap().decode().unwrap();
        latencies.value_at_quantile(0.99) as f64 / 1e6
    };
    let (timeline, heatmap) = (table(&page, "timeline"), table(&page, "heatmap"));
    assert_eq!((timeline.len(), heatmap.len()), (pieces.len(), pieces.len()));
    for ((line, heat), piece) in timeline.iter().zip(&heatmap).zip(pieces) {
        assert_shows(&line[0], piece.from_s);
        assert_shows(&line[1], end(piece));
        assert_shows(&line[2], rate(piece, piece.enqueued));
        assert_shows(&line[3], rate(piece, piece.completed));
        assert_shows(&line[4], p99(piece));
        assert_shows(&line[5], piece.depth.unwrap() as f64);
        assert_shows(&line[6], rate(piece, piece.busy_waits));
        assert_shows(&heat[2], piece.end_to_end.as_ref().unwrap().count as f64);
        assert_shows(&heat[5], p99(piece));
    }
}

#[test]
fn stages_of_a_task_match_the_record() {
    let (page, run) = (full(), full_run().run);
    let rows = table(&page, "stages");
    let histograms = [
        ("lag", "schedule_lag"),
        ("publish", "stage_publish"),
        ("wait", "wait"),
        ("handler", "service"),
        ("settle", "settle"),
        ("total", "end_to_end"),
    ];
    assert_eq!(rows.len(), histograms.len() * LOADS.len());
    for (row, (stage, histogram)) in rows.iter().zip(histograms.iter().cycle()) {
        let scenario = scenario(&run, &row[0]);
        assert_eq!(row[1], *stage);
        assert_shows(&row[2], scenario.histograms[*histogram].decode().unwrap().mean() / 1e6);
        assert_shows(&row[3], ms(scenario, histogram, 0.5));
        assert_shows(&row[4], ms(scenario, histogram, 0.99));
    }
}

#[test]
fn backlog_and_resources_match_the_record() {
    let (page, run) = (full(), full_run().run);
    let pieces = intervals(&run, "stress/backlog/tasks=20000");
    let rows = table(&page, "backlog");
    assert_eq!(rows.len(), pieces.len());
    for (row, piece) in rows.iter().zip(pieces) {
        assert_shows(&row[2], piece.depth.unwrap() as f64);
        assert_shows(&row[3], rate(piece, piece.enqueued));
        assert_shows(&row[4], rate(piece, piece.completed));
    }
    let pieces = intervals(&run, "memory/soak/minutes=10");
    let rows = table(&page, "resources");
    assert_eq!(rows.len(), pieces.len());
    for (row, piece) in rows.iter().zip(pieces) {
        assert_shows(&row[0], end(piece));
        for (cell, bytes) in
            row[1..].iter().zip([piece.rss_bytes, piece.wal_bytes, piece.database_bytes])
        {
            assert_shows(cell, bytes.unwrap() as f64 / MIB);
        }
    }
}

#[test]
fn contention_and_fairness_match_the_record() {
    let (page, run) = (full(), full_run().run);
    let rows = table(&page, "contention");
    assert_eq!(rows.len(), WORKERS.len());
    for (row, workers) in rows.iter().zip(WORKERS) {
        let scenario = scenario(&run, &format!("concurrency/drain/workers={workers}"));
        let metrics = ["claim_conflict_percent", "empty_polls", "busy_waits", "busy_errors"];
        for (cell, metric) in row[1..].iter().zip(metrics) {
            assert_shows(cell, value(scenario, metric));
        }
    }
    let rounds = &scenario(&run, "concurrency/drain/workers=10").rounds;
    let all: u64 = rounds.iter().flat_map(|round| &round.per_worker).sum();
    let rows = table(&page, "fairness");
    assert_eq!(rows.len(), 10);
    for (worker, row) in rows.iter().enumerate() {
        let own: u64 = rounds.iter().map(|round| round.per_worker[worker]).sum();
        assert_shows(&row[1], own as f64);
        assert_shows(&row[2], 100.0 * own as f64 / all as f64);
    }
}

#[test]
fn earlier_runs_match_the_history() {
    let (page, data) = (full(), full_run());
    let scenario = "throughput/drain/workers=10";
    let points: Vec<_> = data.history.iter().filter(|point| point.scenario == scenario).collect();
    let rows = table(&page, "history");
    assert_eq!(rows.len(), points.len());
    for (row, point) in rows.iter().zip(points) {
        assert_eq!(row[1], point.commit.as_deref().unwrap());
        assert_shows(&row[2], point.value);
    }
}
