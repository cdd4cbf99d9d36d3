use std::path::Path;

#[test]
fn the_projects_own_targets_can_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/targets.toml");
    assert!(prismq_report::targets::read(&path).unwrap().len() > 30);
}
