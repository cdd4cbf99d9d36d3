//! A verb of the suite on the PostgreSQL engine: each case passes.

use std::sync::Arc;

use prismq::{Durability, ManualClock, Queue};
use prismq_check::conformance::Verb;
use prismq_check::{Snapshot, TestName};
use prismq_cluster::Cluster;

use crate::faults::audit;
use crate::queue::{Place, UnderTest};
use crate::random_operations::{Fresh, compare};

/// A schema of its own for each queue.
#[derive(Debug)]
struct InDatabase<'a> {
    cluster: &'a Cluster,
    schema: String,
}

impl Place for InDatabase<'_> {
    fn open(&self, clock: &Arc<ManualClock>) -> Queue {
        let url = format!("{}&schema={}", self.cluster.url("postgres"), self.schema);
        let builder = prismq::postgres::builder(&url).unwrap().clock(clock.clone());
        builder.durability(Durability::Normal).open().unwrap()
    }
}

/// A server of its own.
#[derive(Debug)]
struct OnServer(Cluster);

impl Place for OnServer {
    fn open(&self, clock: &Arc<ManualClock>) -> Queue {
        let builder = prismq::postgres::builder(&self.0.url("postgres")).unwrap();
        builder.clock(clock.clone()).durability(Durability::Normal).open().unwrap()
    }
}

impl Fresh for OnServer {
    fn new() -> Self {
        Self(Cluster::start(&["fsync=off"]).unwrap())
    }

    fn snapshot(&self) -> Snapshot {
        audit::snapshot(&self.0)
    }
}

/// Makes random requests, which are answered as by the model.
pub(crate) fn compare_with_model() {
    let name = "a_queue_answers_as_the_model_does";
    compare::<OnServer>(TestName::new(env!("CARGO_PKG_NAME"), module_path!(), name), (12, 40));
}

/// Runs every case of a verb, each on an empty queue.
pub(crate) fn check(verb: Verb) {
    let cluster = Cluster::start(&["fsync=off"]).unwrap();
    let failed: Vec<String> = (0..)
        .zip(verb.cases)
        .filter_map(|(number, case)| {
            let place = InDatabase { cluster: &cluster, schema: format!("case_{number}") };
            let mut engine = UnderTest::at(place, 1_800_000_000_000_000, 1);
            let outcome = case.run(&mut engine);
            outcome.err().map(|mismatch| format!("{}::{}: {mismatch}", verb.name, case.name))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
