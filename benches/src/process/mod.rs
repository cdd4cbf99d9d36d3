//! Second processes: this program, started again with a variable that gives it a role.
//!
//! An role goes to the child in the variable; what else is said passes over its standard input and
//! output, line by line. A child ends when its part is done or when its parent is gone.

mod acknowledger;
mod census;
mod counted;
mod drainer;
mod enqueuer;
mod holder;
mod writer;

pub use acknowledger::{
    ACKNOWLEDGED_TYPE, AcknowledgeRole, Report, acknowledge, kill_acknowledging,
};
pub use census::{CensusRole, count_afresh};
pub use counted::{COUNTED_TYPE, CountRole, Counts, Operation, count_elsewhere};
pub use drainer::{DRAINED_TYPE, DrainRole, Drainer, DrainerReport};
pub use enqueuer::{ENQUEUED_TYPE, EnqueueRole, enqueue_elsewhere};
pub use holder::{Death, HELD_TYPE, HoldRole, die_holding};
pub use writer::{Writer, WriterRole};

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};

const VARIABLE: &str = "PRISMQ_BENCH_CHILD";

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Claim tasks and hold them until it is killed.
    Hold(HoldRole),
    /// Enqueue tasks one by one.
    Enqueue(EnqueueRole),
    /// Run a worker pool.
    Drain(DrainRole),
    /// Do one operation this many times.
    Count(CountRole),
    /// Count what a file holds.
    Census(CensusRole),
    /// Write to the file without being a queue.
    Write(WriterRole),
    /// Enqueue and complete, and say what was acknowledged, until it is killed.
    Acknowledge(AcknowledgeRole),
}

impl Role {
    /// The role this process was started with, if it is a child.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        serde_json::from_str(&env::var(VARIABLE).ok()?).ok()
    }

    fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Child { reason: error.to_string() })
    }
}

/// Runs this program as a child under another program, which is given its path as the last argument.
/// Returns what the other wrote to its standard error if it did not succeed.
///
/// # Errors
/// [`Error::Child`] if this program cannot be found.
pub fn run_under(mut tool: Command, role: &Role) -> Result<std::result::Result<(), String>> {
    let failed = |reason: String| Error::Child { reason };
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let name = tool.get_program().to_string_lossy().into_owned();
    let output = tool.arg(program).env(VARIABLE, role.text()?).stdin(Stdio::null()).output();
    Ok(match output {
        Err(error) => Err(format!("{name} cannot be run: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{name} ended with {}: {}", output.status, said.trim()))
        }
    })
}

/// What a child does.
#[must_use]
pub fn run(role: &Role) -> ExitCode {
    let done = match role {
        Role::Hold(role) => holder::run(role),
        Role::Enqueue(role) => enqueuer::run(role),
        Role::Drain(role) => drainer::run(role),
        Role::Count(role) => counted::run(role),
        Role::Census(role) => census::run(role),
        Role::Write(role) => writer::run(role),
        Role::Acknowledge(role) => acknowledger::run(role),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The server that the subject uses, as a variable.
fn server() -> Option<(&'static str, &'static str)> {
    #[cfg(feature = "postgres")]
    return crate::subject::local::server::for_children();
    #[cfg(not(feature = "postgres"))]
    None
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
struct Running {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Running {
    fn start(role: &Role) -> Result<Self> {
        let failed = |reason: String| Error::Child { reason };
        let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut child = Command::new(program)
            .env(VARIABLE, role.text()?)
            .envs(server())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Start { what: "a second process", source })?;
        let said = child.stdout.take().map(BufReader::new);
        let said = said.ok_or_else(|| failed("it has no standard output".to_owned()))?;
        Ok(Self { child, said })
    }

    /// The next line it says, as a value.
    fn answer<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T> {
        let failed = |reason: String| Error::Child { reason };
        let mut line = String::new();
        self.said.read_line(&mut line).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&line)
            .map_err(|error| failed(format!("it answered {:?}: {error}", line.trim())))
    }

    /// Lets it go on: sends one line.
    fn go_on(&mut self) -> Result<()> {
        let sent = self.child.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(b"go\n"));
        sent.map_err(|error| Error::Child { reason: error.to_string() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the child: says a value to the parent.
fn say(value: &impl Serialize) -> Result<()> {
    let failed = |reason: String| Error::Child { reason };
    let line = serde_json::to_string(value).map_err(|error| failed(error.to_string()))?;
    writeln!(std::io::stdout(), "{line}").map_err(|error| failed(error.to_string()))
}

/// In the child: waits for the parent to say something, or to be gone.
fn listen() {
    let mut line = String::new();
    // An end of the input and an error mean the same: go on.
    let _ = std::io::stdin().lock().read_line(&mut line);
}
