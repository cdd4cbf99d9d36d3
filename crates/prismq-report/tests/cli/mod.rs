//! The command: its arguments, output and exit status.

mod ab;
mod baselines;
mod exit_status;
mod help;
mod report;
mod runs;
mod workflow;

use std::path::Path;

use assert_cmd::Command;
use prismq_record::RunRecord;

use crate::support::{command, sample};

/// A results folder with the records of the sample run and its targets, in which commands are run.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        sample::write(folder.path(), &sample::run());
        let scene = Self(folder);
        scene.targets(sample::TARGETS);
        scene
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn targets(&self, text: &str) {
        std::fs::write(self.path().join("targets.toml"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Command {
        command::in_results(self.path(), arguments)
    }

    fn check(&self) -> Command {
        self.run(&["check", "--targets", "targets.toml"])
    }

    fn report(&self, arguments: &[&str]) -> Command {
        let mut command = self.run(&["report", "--targets", "targets.toml", "--format"]);
        command.args(arguments);
        command
    }
}

/// A baseline of the machine: another run with the same values.
fn other_run() -> RunRecord {
    let mut run = sample::run();
    run.run_id = "01KAV900000000000000000000".to_owned();
    run.suites.iter_mut().for_each(|suite| suite.run_id = run.run_id.clone());
    run
}
