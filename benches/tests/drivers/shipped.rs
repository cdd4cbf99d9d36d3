//! Drivers that keep the protocol pass: prismq's, and the example of the page.

use std::fs;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::paths::drivers_dir;
use prismq_bench::conformance::{Candidate, Outcome, Phase, check};
use prismq_bench::subject::remote::{Launch, Manifest};
use prismq_probe::{Failed, Requirement, Trial, trial};

use crate::fakes::candidate;

pub(crate) const PRISMQ: &str = "prismq";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("prismqs_driver_passes_all_rules", prismq),
        trial("class_s_of_prismq_is_verified", || Requirement::Strace.probe(), synced),
        trial("the_example_in_python_passes_all_rules", || Requirement::Python.probe(), example),
        Trial::test("each_manifest_can_be_read", manifests),
    ]
}

fn passes(candidate: &Candidate) {
    let findings = check(candidate, &Phase::ALL);
    assert!(findings.failed().is_empty(), "{findings}");
}

fn prismq() -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    passes(&candidate(PRISMQ, &BenchDir::at(root.path())));
    Ok(())
}

fn synced() -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    let findings = check(&candidate(PRISMQ, &BenchDir::at(root.path())), &[Phase::Durability]);
    assert_eq!(findings.outcome(17), Outcome::Passed, "{findings}");
    Ok(())
}

fn example() -> Result<(), Failed> {
    let manifest = Manifest::read(&drivers_dir().join("example-python"))?;
    let root = tempfile::tempdir()?;
    let directory = BenchDir::at(root.path());
    passes(&Candidate::new(Launch::shipped(&manifest), Some(manifest), directory));
    Ok(())
}

fn manifests() -> Result<(), Failed> {
    let manifests = Manifest::all(&drivers_dir())?;
    for manifest in &manifests {
        let folder = manifest.folder().file_name().and_then(|name| name.to_str());
        assert_eq!(folder, Some(manifest.name()), "a driver is found by its folder");
        assert!(!manifest.source().is_empty(), "{}", manifest.name());
    }
    let folders = fs::read_dir(drivers_dir())?.filter_map(Result::ok);
    let folders = folders.filter(|entry| entry.path().join("driver.toml").is_file()).count();
    assert_eq!(manifests.len(), folders);
    Ok(())
}
