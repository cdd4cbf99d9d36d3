//! Workloads that users bring along: described in a TOML file, or traced in a CSV file.
//!
//! A file becomes a [`Plan`] or a list of [`TracedTask`]s, checked against [`limits`]; either becomes a
//! [`Schedule`], which says of every single task when it arrives and what it does. Offering it to a
//! subject is left to the scenarios.

mod error;
pub mod limits;
mod parse;
mod schedule;
mod size;
mod trace;

pub use error::PlanError;
pub use parse::parse_workload;
pub use schedule::{PlannedTask, Schedule, TaskKind};
pub use trace::{TracedTask, parse_trace};

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::distr::weighted::WeightedIndex;
use rand_distr::LogNormal;

use crate::base::error::{Error, Result};
use crate::subject::{Durability, Order};
use error::Source;

/// Who does the work and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What the workload is called, the last part of its id.
    pub name: String,
    /// Which of the meanings that its name has had.
    pub version: u32,
    /// The seed of random choices.
    pub seed: u64,
    /// Threads that enqueue.
    pub callers: usize,
    /// Threads of the pool, for each queue.
    pub workers: usize,
    /// What a commit survives.
    pub durability: Durability,
    /// In which order every queue gives its tasks.
    pub order: Order,
    /// The part of the time in which a reader keeps a snapshot of the database.
    pub reader: Option<Range<Duration>>,
}

/// How tasks arrive.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// One after the other at the same distance.
    Constant {
        /// Tasks a second.
        rate_per_s: f64,
        /// For how long.
        duration: Duration,
    },
    /// Independent of each other, at the same mean rate.
    Poisson {
        /// Tasks a second.
        rate_per_s: f64,
        /// For how long.
        duration: Duration,
    },
    /// Many at once, then nothing.
    Burst {
        /// Tasks of a burst.
        size: usize,
        /// From one burst to the next.
        every: Duration,
        /// For how long.
        duration: Duration,
    },
    /// Each caller enqueues its next task once the last is answered.
    Closed {
        /// Tasks in all.
        tasks: usize,
    },
    /// As they were traced, in a file next to the one that names it.
    Trace {
        /// The file.
        file: PathBuf,
    },
}

/// One value, or several of which some are chosen more often than others.
#[derive(Debug, Clone)]
pub(crate) enum Choice<T> {
    Only(T),
    Weighted { values: Vec<T>, weights: Vec<f64>, index: WeightedIndex<f64> },
}

/// How many bytes a payload has.
#[derive(Debug, Clone)]
pub(crate) enum Sizes {
    Fixed(usize),
    Uniform { min: usize, max: usize },
    Choice(Choice<usize>),
}

/// How long a handler takes, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) enum Service {
    Fixed(f64),
    Exponential { mean: f64 },
    Lognormal(LogNormal<f64>),
    Empirical(Vec<f64>),
}

/// One type of task of a mix.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    name: TaskKind,
    priority: Choice<i32>,
    payload: Sizes,
    service: Service,
    failure_probability: f64,
    max_attempts: u32,
}

/// A workload as a file describes it, checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Who does the work and how.
    pub settings: Settings,
    /// How tasks arrive.
    pub arrivals: Arrivals,
    /// What arrives; none where it was traced.
    pub(crate) mix: Option<Choice<Kind>>,
}

/// A workload ready to be done.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Who does the work and how.
    pub settings: Settings,
    /// Every task of it.
    pub schedule: Schedule,
    /// Hash of the files it came from: two of one name are comparable only if it is the same.
    pub hash: String,
}

impl Workload {
    /// The beginning of it, so small that a test can do it; a reader keeps its snapshot all the while.
    #[must_use]
    pub fn for_trial(self) -> Self {
        let Self { settings, schedule, hash } = self;
        let reader = settings.reader.map(|_| Duration::ZERO..schedule::TRIAL_TIME);
        Self { settings: Settings { reader, ..settings }, schedule: schedule.for_trial(), hash }
    }
}

/// Reads a workload from a TOML file, or from a CSV file that is replayed with the usual settings.
///
/// # Errors
/// [`Error::Io`] if a file cannot be read, [`Error::Plan`] with line and column if it is not one.
pub fn load(path: &Path) -> Result<Workload> {
    let text = read(path)?;
    if path.extension().is_some_and(|extension| extension == "csv") {
        let schedule = Schedule::replay(&parse_trace(&name_of(path), &text)?);
        let settings = Settings::of_trace(path)?;
        return Ok(Workload { settings, schedule, hash: hash([text.as_str()]) });
    }
    let plan = parse_workload(&name_of(path), &text)?;
    let Arrivals::Trace { file } = &plan.arrivals else {
        let schedule = Schedule::draw(&plan);
        return Ok(Workload { settings: plan.settings, schedule, hash: hash([text.as_str()]) });
    };
    let traced = path.parent().unwrap_or(path).join(file);
    let trace = read(&traced)?;
    let schedule = Schedule::replay(&parse_trace(&name_of(&traced), &trace)?);
    Ok(Workload { settings: plan.settings, schedule, hash: hash([text.as_str(), &trace]) })
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::metadata(path).map_err(Error::io("read", path))?.len();
    if bytes > limits::FILE_BYTES_MAX {
        let problem =
            format!("the file has {bytes} bytes; allowed are at most {}", limits::FILE_BYTES_MAX);
        return Err(Source { file: &name_of(path), text: "" }.refuse(0, problem).into());
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        Source { file: &name_of(path), text: &text }.refuse(valid, "this is not UTF-8").into()
    })
}

fn name_of(path: &Path) -> String {
    path.display().to_string()
}

/// FNV-1a, as the fingerprints of machines are: it distinguishes versions of a file and no more.
fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

impl Settings {
    /// What a file need not say.
    fn usual(name: String) -> Self {
        Self {
            name,
            version: 1,
            seed: 0,
            callers: limits::CALLERS_USUAL,
            workers: limits::WORKERS_USUAL,
            durability: Durability::Full,
            order: Order::Priority,
            reader: None,
        }
    }

    /// A trace on its own is called like its file.
    fn of_trace(path: &Path) -> Result<Self> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = Source { file: &name_of(path), text: "" };
        parse::check_name(&stem).map_err(|problem| {
            source.refuse(0, format!("the name of the file is that of the workload: {problem}"))
        })?;
        Ok(Self::usual(stem))
    }
}
