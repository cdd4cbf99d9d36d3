//! The example of limits over two processes runs.

use crate::support::TestProcess;

#[path = "../../examples/limits.rs"]
mod limits;

#[test]
fn two_processes_share_the_limits_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut second = None;
    limits::first(folder.path(), |file| {
        let process = concat!(module_path!(), "::the_second_process");
        second = Some(TestProcess::start(process, file));
        Ok(())
    })
    .unwrap();
    second.unwrap().output();
}

#[test]
#[ignore = "run by two_processes_share_the_limits_of_a_file in a process of its own"]
fn the_second_process() {
    let (file, _watchdog) = TestProcess::file();
    limits::work("the second", &file).unwrap();
}
