//! Another program writes to the file of a pool of ten workers.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::foreign_writer::{Disturbed, round};
use prismq_record::Model;

const WORKERS: usize = 10;
const MS: Duration = Duration::from_millis(1);

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 200, 1_000, 5_000);
    let load = Disturbed { workers: WORKERS, tasks, handler: MS, held: 2 * MS, rest: 2 * MS };
    let case = Case::new("foreign_writer", "workers", WORKERS)
        .model(Model::Closed)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler_ms", 1)
        .with("lock_held_ms", 2)
        .with("lock_rest_ms", 2);
    suite.measure(case, move |stage| round(stage, &load))
}
