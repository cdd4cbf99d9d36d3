//! Tests that run in a process of their own: ignored, and started by another test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::Watchdog;

/// Where the queue of the process is.
const FILE: &str = "PRISMQ_TEST_FILE";

/// An ignored test of this program in a process of its own.
pub(crate) struct TestProcess(Child);

impl TestProcess {
    /// Starts the test of this full name (`concat!(module_path!(), "::function")`) on the file.
    pub(crate) fn start(test: &str, file: &Path) -> Self {
        Self::spawn(Command::new(env::current_exe().unwrap()), test, file)
    }

    /// Starts it in this time zone.
    pub(crate) fn start_in_zone(test: &str, zone: &str, file: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env("TZ", zone);
        Self::spawn(command, test, file)
    }

    /// Starts it so that it can write no file longer than this many blocks of 512 bytes.
    #[cfg(unix)]
    pub(crate) fn start_with_file_limit(test: &str, blocks: u32, file: &Path) -> Self {
        // Unless it is ignored, the limit's signal ends the process before SQLite gets an error.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", script.as_str()]).arg(env::current_exe().unwrap());
        Self::spawn(shell, test, file)
    }

    fn spawn(mut command: Command, test: &str, file: &Path) -> Self {
        let (_program, name) = test.split_once("::").unwrap();
        let child = command
            .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
            .env(FILE, file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// What it printed, once it has passed. Its own watchdog bounds the wait.
    #[track_caller]
    pub(crate) fn output(self) -> String {
        let output = self.0.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}{errors}");
        printed
    }

    /// Kills it, and waits until it has ended.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// In the process: the file it was started on, and its watchdog.
    pub(crate) fn file() -> (PathBuf, Watchdog) {
        (env::var_os(FILE).map(PathBuf::from).unwrap(), Watchdog::start())
    }
}
