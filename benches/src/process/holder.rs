//! A process that claims tasks and dies holding them, as a crashed worker does.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Role, Running, listen, say};
use crate::base::clock::{Time, now};
use crate::base::error::{Error, Result};
use crate::subject::{OpenOptions, SubjectKind};

/// The type of the tasks that are held.
pub const HELD_TYPE: &str = "held";

const SIGKILL: i32 = 9;

/// What the process is to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRole {
    /// The subject to use.
    pub subject: SubjectKind,
    /// How many tasks.
    pub tasks: usize,
    /// For how long.
    pub lease: Duration,
    /// The database.
    pub path: PathBuf,
}

/// A process that died.
#[derive(Debug, Clone)]
pub struct Death {
    /// The tasks it held.
    pub held: Vec<i64>,
    /// When it was dead for certain.
    pub at: Time,
}

pub(super) fn run(role: &HoldRole) -> Result<()> {
    let subject = role.subject.open(&role.path, OpenOptions::durable(1))?;
    let held = subject.hold(HELD_TYPE, role.tasks, role.lease)?;
    // Nobody may close the database: a dying process does not.
    std::mem::forget(subject);
    say(&held)?;
    listen();
    Err(Error::Child { reason: "it was not killed".to_owned() })
}

/// Starts a process that claims tasks, and kills it as soon as it holds them.
///
/// # Errors
/// [`Error::Child`] if it did not get as far.
pub fn die_holding(role: HoldRole) -> Result<Death> {
    let failed = |reason: String| Error::Child { reason };
    let mut running = Running::start(&Role::Hold(role))?;
    let held: Vec<i64> = running.answer()?;
    let killed = running.child.kill().and_then(|()| running.child.wait());
    let at = now();
    let status = killed.map_err(|error| failed(error.to_string()))?;
    if held.is_empty() {
        return Err(failed("it claimed nothing".to_owned()));
    }
    if status.signal() != Some(SIGKILL) {
        return Err(failed(format!("it was not killed but ended with {status}")));
    }
    Ok(Death { held, at })
}
