//! The suites of one `cargo bench` are processes of their own but one run.

use prismq_bench::run::record::run_identity::RunIdentity;

#[test]
fn the_first_to_take_an_id_makes_it_up_and_the_others_find_it() {
    let target = tempfile::tempdir().unwrap();
    let first = RunIdentity::of_invocation(target.path(), "4711-100");
    assert_eq!(first.existing(), None);
    let id = first.take().unwrap();
    let second = RunIdentity::of_invocation(target.path(), "4711-100");
    assert_eq!(second.existing(), Some(id.clone()));
    assert_eq!(second.take().unwrap(), id);
}

#[test]
fn a_later_invocation_is_another_run_even_with_the_same_process_id() {
    let target = tempfile::tempdir().unwrap();
    let before = RunIdentity::of_invocation(target.path(), "4711-100").take().unwrap();
    let later = RunIdentity::of_invocation(target.path(), "4711-999");
    assert_eq!(later.existing(), None);
    assert_ne!(later.take().unwrap(), before);
}

#[test]
fn a_damaged_file_is_not_a_run() {
    let target = tempfile::tempdir().unwrap();
    let identity = RunIdentity::of_invocation(target.path(), "4711-100");
    identity.take().unwrap();
    let file = target.path().join("prismq-bench/runs/4711-100");
    std::fs::write(&file, "not an id\n").unwrap();
    assert_eq!(identity.existing(), None);
    identity.take().unwrap();
    assert!(identity.existing().is_some());
}

#[test]
fn processes_of_one_parent_agree() {
    let target = tempfile::tempdir().unwrap();
    let id = RunIdentity::of_parent(target.path()).take().unwrap();
    assert_eq!(RunIdentity::of_parent(target.path()).existing(), Some(id));
}

#[test]
fn runs_of_one_checkout_may_take_turns() {
    let target = tempfile::tempdir().unwrap();
    let parent = std::process::id();
    let first = RunIdentity::of_parent(target.path());
    let id = first.take().unwrap();
    RunIdentity::of_invocation(target.path(), format!("{parent}-1")).take().unwrap();
    assert_eq!(first.existing(), Some(id), "another run took its place");
}

#[test]
fn runs_that_are_over_leave_no_file() {
    let target = tempfile::tempdir().unwrap();
    for start in 1..5 {
        RunIdentity::of_invocation(target.path(), format!("4711-{start}")).take().unwrap();
    }
    assert_eq!(std::fs::read_dir(target.path().join("prismq-bench/runs")).unwrap().count(), 1);
}
