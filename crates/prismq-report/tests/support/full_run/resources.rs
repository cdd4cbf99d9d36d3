//! A backlog that is drained, and memory and files over time.

use prismq_record::*;

use super::chance::Chance;
use super::parts::{metric, scenario};

pub(super) fn stress(chance: &mut Chance) -> Vec<Scenario> {
    let mut depth = 0.0;
    let intervals = (0..24).map(|piece| {
        let building = piece < 8;
        let enqueued = if building { 2500.0 * chance.near(0.05) } else { 150.0 * chance.near(0.1) };
        let completed: f64 = if building { 0.0 } else { 1600.0 * chance.near(0.08) };
        let completed = completed.min(depth + enqueued);
        depth += enqueued - completed;
        Interval {
            from_s: f64::from(piece),
            seconds: 1.0,
            enqueued: Some(enqueued as u64),
            completed: Some(completed as u64),
            depth: Some(depth as u64),
            ..Interval::default()
        }
    });
    let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
    let round = Round {
        index: 0,
        seconds: 24.0,
        intervals: intervals.collect(),
        phases: vec![phase("build", 0.0, 8.0), phase("drain", 8.0, 24.0)],
        ..Round::default()
    };
    let rate = metric("drain_tasks_per_s", "tasks/s", 1600.0, Direction::Higher, chance);
    let mut found = scenario("stress/backlog/tasks=20000", Model::Backlog, vec![rate]);
    found.rounds = vec![round];
    vec![found]
}

pub(super) fn memory(chance: &mut Chance) -> Vec<Scenario> {
    const MIB: f64 = 1_048_576.0;
    let intervals = (0..120).map(|piece| {
        let time = f64::from(piece) * 5.0;
        let rss = 38.0 + 9.0 * (1.0 - (-time / 60.0).exp()) + 0.002 * time + chance.share() * 0.6;
        let wal = if (40..60).contains(&piece) { 4.0 + f64::from(piece - 40) * 1.5 } else { 4.0 };
        Interval {
            from_s: time,
            seconds: 5.0,
            rss_bytes: Some((rss * MIB) as u64),
            wal_bytes: Some((wal * chance.near(0.05) * MIB) as u64),
            database_bytes: Some(((12.0 + (time / 80.0).min(3.0).floor() * 4.0) * MIB) as u64),
            ..Interval::default()
        }
    });
    let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
    let round = Round {
        index: 0,
        seconds: 600.0,
        intervals: intervals.collect(),
        phases: vec![phase("long reader", 200.0, 300.0)],
        ..Round::default()
    };
    let growth = metric("growth_mib", "MiB", 9.6, Direction::Lower, chance);
    let mut found = scenario("memory/soak/minutes=10", Model::Open, vec![growth]);
    found.rounds = vec![round];
    vec![found]
}
