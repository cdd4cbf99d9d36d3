//! A round of queues side by side: each workload has a figure or a reason why not, and a queue that errs is not ranked.

use std::collections::BTreeSet;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::run::versus::{Figures, Sizes, round};
use prismq_driver::message::Choice;
use prismq_probe::{Failed, Trial};

use crate::fakes::candidate;
use crate::shipped::PRISMQ;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("a_round_of_prismq_has_a_figure_of_each_workload", complete),
        Trial::test("a_round_names_what_a_queue_does_not_offer", lacking),
        Trial::test("a_round_of_a_queue_that_runs_tasks_twice_is_faulty", faulty),
    ]
}

fn measured(driver: &str) -> Result<Figures, Failed> {
    let root = tempfile::tempdir()?;
    let candidate = candidate(driver, &BenchDir::at(root.path()));
    Ok(round(&candidate, Choice::Default, Sizes::FIRST)?)
}

fn complete() -> Result<(), Failed> {
    let figures = measured(PRISMQ)?;
    // A machine may be too slow for the highest rate that is searched for.
    let unexpected = |(workload, why): &&(&str, String)| {
        !(workload.starts_with("highest rate") && why.starts_with("none"))
    };
    assert_eq!(figures.missing.iter().find(unexpected), None);
    assert!(figures.faults.is_empty(), "{:?}", figures.faults);
    let measured: BTreeSet<&str> =
        figures.readings.iter().map(|reading| reading.workload).collect();
    assert_eq!(measured.len() + figures.missing.len(), 13, "{measured:?}");
    assert!(figures.readings.iter().all(|reading| reading.value.is_finite()));
    let of = |metric: &str| {
        let mut readings = figures.readings.iter();
        let reading = match metric {
            "again" => readings.find(|reading| reading.depends_on_settings),
            metric => readings.find(|reading| reading.metric == metric),
        };
        reading.map(|reading| reading.value).unwrap_or_default()
    };
    // Nothing runs again sooner than it was asked to.
    assert!(of("again") >= 20.0, "{:?}", figures.readings);
    assert!(of("processor_us_per_task") > 0.0 && of("pss_mib") > 1.0, "{:?}", figures.readings);
    Ok(())
}

fn lacking() -> Result<(), Failed> {
    let figures = measured("None")?;
    let reasons: Vec<&str> = figures.missing.iter().map(|(_, why)| why.as_str()).collect();
    assert!(reasons.contains(&"not offered: a second process"), "{reasons:?}");
    assert!(figures.faults.is_empty(), "{:?}", figures.faults);
    Ok(())
}

fn faulty() -> Result<(), Failed> {
    let figures = measured("Doubles")?;
    assert!(!figures.faults.is_empty());
    Ok(())
}
