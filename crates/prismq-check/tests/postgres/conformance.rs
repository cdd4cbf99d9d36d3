//! A verb of the suite on the PostgreSQL engine: each case passes.

use std::sync::Arc;

use prismq::{Durability, ManualClock, Queue};
use prismq_check::conformance::Verb;
use prismq_cluster::Cluster;

use crate::queue::{Place, UnderTest};

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
