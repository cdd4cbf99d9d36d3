//! A process that enqueues and completes tasks and reports what was acknowledged of each, until it is killed.
//!
//! A line is a report: what is in the pipe outlives the process, and only whole lines count.

use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Role, Running};
use crate::base::error::{Error, Result};
use crate::load::pool::LEASE;
use crate::load::tasks::numbered;
use crate::subject::local::{Attempt, LocalPool, LocalQueue};
use crate::subject::{Ending, OpenOptions, SubjectKind};

/// The type of its tasks.
pub const ACKNOWLEDGED_TYPE: &str = "acknowledged";
/// Threads of its pool.
const WORKERS: usize = 2;
/// Tasks it makes at a time.
const BATCH: usize = 1_000;

/// On which database the process is to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgeRole {
    /// The subject to use.
    pub subject: SubjectKind,
    /// The database.
    pub path: PathBuf,
}

/// What the process reports of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Enqueue answered with its id.
    Enqueued(i64),
    /// Its handler has ended: its completion may be committed from now on.
    Ended(i64),
    /// Its completion was reported to be committed.
    Completed(i64),
}

impl Report {
    fn line(self) -> String {
        match self {
            Self::Enqueued(id) => format!("enqueued {id}\n"),
            Self::Ended(id) => format!("ended {id}\n"),
            Self::Completed(id) => format!("completed {id}\n"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let (word, id) = line.strip_suffix('\n')?.split_once(' ')?;
        let id = id.parse().ok()?;
        Some(match word {
            "enqueued" => Self::Enqueued(id),
            "ended" => Self::Ended(id),
            "completed" => Self::Completed(id),
            _ => return None,
        })
    }
}

pub(super) fn run(role: &AcknowledgeRole) -> Result<()> {
    let queue = role.subject.open_local(&role.path, OpenOptions::durable(WORKERS))?;
    acknowledge(&*queue)
}

/// In the child: enqueues and completes on a queue until the process is killed or its output is closed.
///
/// # Errors
/// If the queue fails, or the output is closed.
pub fn acknowledge(queue: &dyn LocalQueue) -> Result<()> {
    let pool = LocalPool {
        workers: WORKERS,
        lease: LEASE,
        handlers: vec![(
            ACKNOWLEDGED_TYPE,
            Arc::new(|attempt: &Attempt<'_>| {
                say(Report::Ended(attempt.id)).map_err(|error| error.to_string())
            }),
        )],
        listener: Arc::new(|settled| {
            if settled.ending == Ending::Completed {
                // Without a reader there is nothing to compare.
                let _ = say(Report::Completed(settled.id));
            }
        }),
    };
    let _running = queue.start(pool).map_err(Error::subject("start a pool"))?;
    loop {
        for task in numbered(ACKNOWLEDGED_TYPE, BATCH) {
            let id = queue.enqueue(&task).map_err(Error::subject("enqueue"))?;
            say(Report::Enqueued(id))
                .map_err(|error| Error::Child { reason: error.to_string() })?;
        }
    }
}

/// One call of the system a line: a killed process leaves whole lines but for the last.
fn say(said: Report) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(said.line().as_bytes())?;
    output.flush()
}

/// Starts such a process, kills it so long after it has acknowledged something, and gives back all it said.
///
/// # Errors
/// [`Error::Child`] if it acknowledged nothing or was not killed.
pub fn kill_acknowledging(role: AcknowledgeRole, after: Duration) -> Result<Vec<Report>> {
    let failed = |reason: String| Error::Child { reason };
    let mut running = Running::start(&Role::Acknowledge(role))?;
    let Running { child, said } = &mut running;
    let mut first = String::new();
    said.read_line(&mut first).map_err(|error| failed(error.to_string()))?;
    let mut all: Vec<Report> = Report::parse(&first).into_iter().collect();
    if all.is_empty() {
        return Err(failed(format!("it acknowledged nothing but said {:?}", first.trim())));
    }
    thread::scope(|scope| {
        // The pipe must be read all the while, or the process would wait instead of work.
        let rest = scope.spawn(|| {
            let mut line = String::new();
            while said.read_line(&mut line)? > 0 {
                all.extend(Report::parse(&line));
                line.clear();
            }
            Ok::<_, io::Error>(())
        });
        thread::sleep(after);
        let killed = child.kill().and_then(|()| child.wait());
        let read = rest.join().map_err(|_| Error::Panicked { what: "a reader" })?;
        killed.and(read).map_err(|error| failed(error.to_string()))
    })?;
    Ok(all)
}
