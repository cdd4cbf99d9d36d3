//! Two subjects of which one takes 10 % longer: the harness measures both, the comparison finds it. The
//! same subject twice is the same.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::TASKS_PER_S;
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::scenario::drain::{Drain, run};
use prismq_judge::comparison::{Change, Rules, compare_pairs};
use prismq_record::{
    Environment, RUN_SCHEMA, RunRecord, SCHEMA_VERSION, SUITE_SCHEMA, Scenario, SuiteRecord,
};

use crate::support::fake::{Fake, Misdeed};
use crate::support::theory::exponential;
use crate::support::virtual_clock::VirtualClock;

const ROUNDS: u64 = 3;
const PAIRS: u64 = 5;
const TASKS: usize = 5_000;

/// A drain by a server of this mean service time.
fn measured(service: Duration, seed: u64) -> Scenario {
    let round = |round| {
        let clock = Arc::new(VirtualClock::new());
        let subject = Fake::subject(&clock, Misdeed::None);
        let work = exponential(service, seed + round);
        let load = Drain { workers: 1, tasks: TASKS, payload_bytes: PAYLOAD_BYTES, work };
        let drained = run(&subject, &load).unwrap();
        Round {
            readings: vec![TASKS_PER_S.reads(drained.tasks_per_s())],
            faults: drained.faults,
            course: drained.course,
            ..Round::default()
        }
    };
    let rounds: Vec<Round> = (0..ROUNDS).map(round).collect();
    scenario("throughput", Case::new("drain", "workers", 1), &rounds, Vec::new()).unwrap()
}

fn record(scenario: Scenario) -> RunRecord {
    let suite = SuiteRecord {
        schema: SUITE_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: "01K00000000000000000000000".to_owned(),
        suite: "throughput".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        profile: "standard".to_owned(),
        engine: "fake".to_owned(),
        argv: Vec::new(),
        environment: Environment::default(),
        suites_of_run: Vec::new(),
        goals: true,
        scenarios: vec![scenario],
    };
    RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: suite.run_id.clone(),
        started_at: suite.started_at,
        ended_at: suite.ended_at,
        suites: vec![suite],
        missing: Vec::new(),
        verdict: None,
    }
}

fn change(before: Duration, after: Duration) -> Change {
    let pair = |index| {
        let seed = 100 * index;
        (record(measured(before, seed)), record(measured(after, seed + 50)))
    };
    let pairs: Vec<_> = (0..PAIRS).map(pair).collect();
    let comparison = compare_pairs(&Rules::default(), "before", &pairs).unwrap();
    assert_eq!(comparison.rows.len(), 1);
    comparison.rows[0].change.clone()
}

#[test]
fn a_twin_ten_percent_slower_is_found() {
    let service = Duration::from_micros(100);
    assert_eq!(change(service, service.mul_f64(1.1)), Change::Regressed);
    assert_eq!(change(service.mul_f64(1.1), service), Change::Improved);
    assert_eq!(change(service, service), Change::Unchanged);
}
