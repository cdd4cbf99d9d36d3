//! The workload a user brings along in a file that `PRISMQ_WORKLOAD` names.

use prismq_bench::base::error::Result;
use prismq_bench::load::plan::{Settings, Workload, load};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::settings;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::workload::perform;
use prismq_record::Model;

/// Does nothing where no file is named.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let Some(path) = settings::workload() else { return Ok(()) };
    let mut workload = load(&path)?;
    let trial = suite.is_trial();
    if trial {
        workload = workload.for_trial();
    }
    // How fast a trial is says nothing.
    suite.measure(case(&workload).overload(trial), move |stage| {
        Ok(perform(stage, &workload.settings, &workload.schedule)?.round())
    })
}

fn case(workload: &Workload) -> Case {
    let Settings { name, version, seed, callers, workers, durability, order, reader } =
        &workload.settings;
    let model = if workload.schedule.open { Model::Open } else { Model::Closed };
    let case = Case::variant("workload", name)
        .model(model)
        .seed(*seed)
        .with("version", *version)
        .with("file_hash", workload.hash.as_str())
        .with("tasks", workload.schedule.tasks.len())
        .with("arrivals", if workload.schedule.open { "planned" } else { "closed" })
        .with("callers", *callers)
        .with("workers", *workers)
        .with("durability", format!("{durability:?}"))
        .with("order", format!("{order:?}"));
    match reader {
        None => case,
        Some(part) => case.with("reader", format!("{part:?}")),
    }
}
