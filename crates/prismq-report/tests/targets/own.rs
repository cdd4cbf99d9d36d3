use std::path::Path;

use prismq_judge::targets::read_for;
use prismq_record::fingerprint::fingerprint;

use crate::support::sample;

#[test]
fn the_projects_own_targets_can_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/targets.toml");
    assert!(prismq_judge::targets::read(&path).unwrap().len() > 30);
}

#[test]
fn a_machines_own_targets_hold_on_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.toml");
    std::fs::write(&path, sample::TARGETS).unwrap();
    let run = sample::run();
    let count = || read_for(&path, &run).map(|targets| targets.len());
    assert_eq!(count().unwrap(), 2);

    let machines = folder.path().join("machines");
    std::fs::create_dir(&machines).unwrap();
    let target = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 900 tasks/s\"";
    std::fs::write(machines.join("00000000.toml"), target).unwrap();
    assert_eq!(count().unwrap(), 2, "of another machine");
    let own = machines.join(format!("{}.toml", fingerprint(&run.suites[0].environment)));
    std::fs::write(&own, target).unwrap();
    assert_eq!(count().unwrap(), 3);
    std::fs::write(&own, "fast").unwrap();
    assert!(count().unwrap_err().to_string().contains("machines"), "it is named");
}
