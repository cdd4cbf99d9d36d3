//! The command `prismq-report`, in a process of its own.

use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;

/// Longer than any command takes, on a busy machine too: one that hangs fails its test.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The command, not yet with arguments.
pub(crate) fn command() -> Command {
    let mut command = Command::cargo_bin("prismq-report").unwrap();
    command.env_remove("GITHUB_STEP_SUMMARY").timeout(TIMEOUT);
    command
}

/// The command in a results folder, on that folder.
pub(crate) fn in_results(results: &Path, arguments: &[&str]) -> Command {
    let mut command = command();
    command.current_dir(results).args(["--results", "."]).args(arguments);
    command
}
