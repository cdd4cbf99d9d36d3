//! Real processes beside the one that measures: this very program, started again with a variable set
//! that tells it what to do.
//!
//! An order goes to the child in the variable; what else is said passes over its standard input and
//! output, line by line. A child ends when its part is done or when nobody is left to talk to.

mod acknowledger;
mod census;
mod counted;
mod drainer;
mod enqueuer;
mod holder;
mod writer;

pub use acknowledger::{
    ACKNOWLEDGED_TYPE, AcknowledgeOrder, Said, acknowledge, kill_acknowledging,
};
pub use census::{CensusOrder, count_afresh};
pub use counted::{COUNTED_TYPE, CountOrder, Counts, Operation, count_elsewhere};
pub use drainer::{DRAINED_TYPE, DrainOrder, Drainer, DrainerReport};
pub use enqueuer::{ENQUEUED_TYPE, EnqueueOrder, enqueue_elsewhere};
pub use holder::{Death, HELD_TYPE, HoldOrder, die_holding};
pub use writer::{Writer, WriterOrder};

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};

const VARIABLE: &str = "PRISMQ_BENCH_CHILD";

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Claim tasks and hold them until it is killed.
    Hold(HoldOrder),
    /// Enqueue tasks one by one.
    Enqueue(EnqueueOrder),
    /// Run a worker pool.
    Drain(DrainOrder),
    /// Do one operation so many times.
    Count(CountOrder),
    /// Count what a file holds.
    Census(CensusOrder),
    /// Write to the file without being a queue.
    Write(WriterOrder),
    /// Enqueue and complete, and say what was acknowledged, until it is killed.
    Acknowledge(AcknowledgeOrder),
}

impl Order {
    /// The order this process was started with, if it is a child.
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
pub fn run_under(mut tool: Command, order: &Order) -> Result<std::result::Result<(), String>> {
    let failed = |reason: String| Error::Child { reason };
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let name = tool.get_program().to_string_lossy().into_owned();
    let output = tool.arg(program).env(VARIABLE, order.text()?).stdin(Stdio::null()).output();
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
pub fn obey(order: &Order) -> ExitCode {
    let done = match order {
        Order::Hold(order) => holder::obey(order),
        Order::Enqueue(order) => enqueuer::obey(order),
        Order::Drain(order) => drainer::obey(order),
        Order::Count(order) => counted::obey(order),
        Order::Census(order) => census::obey(order),
        Order::Write(order) => writer::obey(order),
        Order::Acknowledge(order) => acknowledger::obey(order),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A child at work. Dropping it kills it.
#[derive(Debug)]
struct Running {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Running {
    fn start(order: &Order) -> Result<Self> {
        let failed = |reason: String| Error::Child { reason };
        let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut child = Command::new(program)
            .env(VARIABLE, order.text()?)
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
