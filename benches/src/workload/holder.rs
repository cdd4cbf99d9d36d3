//! A real process that claims tasks and dies holding them, as a crashed worker does.
//!
//! It is this very program, started again with a variable set that tells it so: it claims, says what
//! it has claimed, and waits to be killed.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::EngineKind;
use crate::error::{Error, Result};
use crate::stage;

/// The type of the tasks that are held.
pub const TASK_TYPE: &str = "held";

const VARIABLE: &str = "PRISMQ_BENCH_HOLD";
const SIGKILL: i32 = 9;
/// After this the process ends by itself: whoever was to kill it is dead.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the process is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The engine to use.
    pub engine: EngineKind,
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
    pub at: Instant,
}

impl Order {
    /// The order this process was started with, if it was started to hold tasks.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let text = env::var(VARIABLE).ok()?;
        let mut parts = text.splitn(4, ' ');
        Some(Self {
            engine: EngineKind::parse(parts.next()?).ok()?,
            tasks: parts.next()?.parse().ok()?,
            lease: Duration::from_millis(parts.next()?.parse().ok()?),
            path: Path::new(parts.next()?).to_owned(),
        })
    }

    fn to_text(&self) -> String {
        let (engine, lease) = (self.engine.name(), self.lease.as_millis());
        format!("{engine} {} {lease} {}", self.tasks, self.path.display())
    }
}

/// What the process does: claims, says what, and waits for its end.
#[must_use]
pub fn obey(order: &Order) -> ExitCode {
    let claim = || -> Result<Vec<i64>> {
        let engine = stage::open(order.engine, &order.path, 1)?;
        let held = engine
            .hold(TASK_TYPE, order.tasks, order.lease)
            .map_err(Error::engine("claim tasks to hold"))?;
        let ids: Vec<String> = held.iter().map(ToString::to_string).collect();
        // Nobody may close the database: a dying process does not.
        std::mem::forget(engine);
        writeln!(std::io::stdout(), "held {}", ids.join(" "))
            .map_err(Error::io("write to", "stdout"))?;
        Ok(held)
    };
    if let Err(error) = claim() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    thread::sleep(PATIENCE);
    ExitCode::FAILURE
}

/// Starts a process that claims tasks, and kills it as soon as it holds them.
///
/// # Errors
/// [`Error::Holder`] if it did not get as far.
pub fn die_holding(order: &Order) -> Result<Death> {
    let failed = |reason: String| Error::Holder { reason };
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program)
        .env(VARIABLE, order.to_text())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| Error::Start { what: "a process that holds tasks", source })?;
    let answer = answer(&mut child);
    // Whatever it answered, it must not stay.
    let killed = child.kill().and_then(|()| child.wait());
    let at = Instant::now();
    let status = killed.map_err(|error| failed(error.to_string()))?;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let ids = answer.strip_prefix("held ").map(str::trim).unwrap_or_default();
    let held: Vec<i64> = ids.split(' ').filter_map(|id| id.parse().ok()).collect();
    if held.is_empty() {
        return Err(failed(format!("it claimed nothing and answered {answer:?}")));
    }
    if status.signal() != Some(SIGKILL) {
        return Err(failed(format!("it was not killed but ended with {status}")));
    }
    Ok(Death { held, at })
}

fn answer(child: &mut Child) -> std::io::Result<String> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    Ok(line)
}
