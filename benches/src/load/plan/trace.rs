//! Reads a trace: one line for each task, in the order of arrival.
//!
//! `time_s,queue,type,priority,payload_bytes,service_ms`, in any order of columns. Lines that begin
//! with `#` are comments. Names may be quoted as CSV is.

use std::collections::HashSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::error::Source;
use super::parse::check_queue_name;
use super::{PlanError, TaskKind, limits, size};
use crate::base::number::as_f64;

/// The columns, all of which must be there and no other.
const COLUMNS: [&str; 6] = ["time_s", "queue", "type", "priority", "payload_bytes", "service_ms"];

/// One task of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedTask {
    /// When it was enqueued, since the beginning of the trace.
    pub at: Duration,
    /// Its queue and type.
    pub kind: TaskKind,
    /// Its priority.
    pub priority: i32,
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// How long its handler took.
    pub service: Duration,
}

/// Reads a trace; `file` is what errors call it.
///
/// # Errors
/// [`PlanError`] with the place of the first thing that is wrong, and what is allowed there.
pub fn parse_trace(file: &str, text: &str) -> Result<Vec<TracedTask>, PlanError> {
    let source = Source { file, text };
    let mut lines = ReaderBuilder::new()
        .comment(Some(b'#'))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let Some(at) = next(&source, &mut lines, &mut record)? else {
        let problem = format!("the trace is empty; its first line names {}", COLUMNS.join(","));
        return Err(source.refuse(0, problem));
    };
    let places = places(&Line { source, at, record: &record })?;
    let mut tasks: Vec<TracedTask> = Vec::new();
    let (mut kinds, mut queues, mut bytes) = (HashSet::new(), HashSet::new(), 0.0);
    while let Some(at) = next(&source, &mut lines, &mut record)? {
        let line = Line { source, at, record: &record };
        let task = task(&line, places)?;
        if tasks.last().is_some_and(|last| task.at < last.at) {
            let problem = "time_s is before that of the task above; tasks stand in the order of \
                           their times";
            return Err(line.refuse(places[0], problem));
        }
        if tasks.len() == limits::TASKS_MAX {
            let problem = format!("allowed are at most {} tasks", limits::TASKS_MAX);
            return Err(line.refuse(0, problem));
        }
        if kinds.insert(task.kind.clone()) && kinds.len() > limits::KINDS_MAX {
            let problem = format!("allowed are at most {} types of task", limits::KINDS_MAX);
            return Err(line.refuse(places[2], problem));
        }
        if queues.insert(task.kind.queue.clone()) && queues.len() > limits::QUEUES_MAX {
            let problem = format!("allowed are at most {} queues", limits::QUEUES_MAX);
            return Err(line.refuse(places[1], problem));
        }
        bytes += as_f64(u64::try_from(task.payload_bytes).unwrap_or(u64::MAX));
        if let Some(problem) = size::too_large(bytes) {
            return Err(line.refuse(places[4], problem));
        }
        tasks.push(task);
    }
    if tasks.is_empty() {
        return Err(source.refuse(text.len(), "the trace has no task; a line for each is needed"));
    }
    Ok(tasks)
}

/// Reads the next line that says anything; where it begins in the text, or `None` at the end.
fn next(
    source: &Source<'_>,
    lines: &mut Reader<&[u8]>,
    record: &mut StringRecord,
) -> Result<Option<usize>, PlanError> {
    let from = usize::try_from(lines.position().byte()).unwrap_or(usize::MAX);
    let at = from + skipped(source.text.get(from..).unwrap_or_default());
    match lines.read_record(record) {
        Ok(true) => Ok(Some(at)),
        Ok(false) => Ok(None),
        Err(error) => Err(source.refuse(at, error.to_string())),
    }
}

/// Bytes of the empty lines and comments at the beginning, which the reader passes over.
fn skipped(text: &str) -> usize {
    let said =
        |line: &&str| line.starts_with('#') || line.trim_end_matches(['\r', '\n']).is_empty();
    text.split_inclusive('\n').take_while(said).map(str::len).sum()
}

/// Where each of [`COLUMNS`] stands.
fn places(header: &Line<'_>) -> Result<[usize; 6], PlanError> {
    let all = COLUMNS.join(", ");
    for (place, name) in header.record.iter().enumerate() {
        if !COLUMNS.contains(&name.trim()) {
            let problem = format!("{name:?} is not a column; the columns are {all}");
            return Err(header.refuse(place, problem));
        }
        if header.record.iter().take(place).any(|other| other.trim() == name.trim()) {
            return Err(header.refuse(place, format!("the column {name:?} is there twice")));
        }
    }
    let mut places = [0; 6];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let found = header.record.iter().position(|name| name.trim() == column);
        *place = found.ok_or_else(|| {
            header.refuse(0, format!("the column {column:?} is missing; the columns are {all}"))
        })?;
    }
    Ok(places)
}

fn task(line: &Line<'_>, places: [usize; 6]) -> Result<TracedTask, PlanError> {
    if line.record.len() != COLUMNS.len() {
        let problem = format!("the line has {} fields, not {}", line.record.len(), COLUMNS.len());
        return Err(line.refuse(0, problem));
    }
    let [time_s, queue, task_type, priority, payload_bytes, service_ms] = places;
    let longest = limits::DURATION_MAX.as_secs_f64();
    let longest_service = limits::SERVICE_MAX.as_secs_f64() * 1e3;
    Ok(TracedTask {
        at: Duration::from_secs_f64(line.number(time_s, 0.0..=longest)?),
        kind: TaskKind { queue: line.name(queue)?, task_type: line.name(task_type)? },
        priority: line.number(priority, limits::PRIORITY_MIN..=limits::PRIORITY_MAX)?,
        payload_bytes: line.number(payload_bytes, 0..=limits::PAYLOAD_BYTES_MAX)?,
        service: Duration::from_secs_f64(line.number(service_ms, 0.0..=longest_service)? / 1e3),
    })
}

/// A line of the trace and where it begins.
struct Line<'a> {
    source: Source<'a>,
    at: usize,
    record: &'a StringRecord,
}

impl Line<'_> {
    fn field(&self, place: usize) -> &str {
        self.record.get(place).unwrap_or_default().trim()
    }

    fn name(&self, place: usize) -> Result<String, PlanError> {
        let name = self.field(place);
        check_queue_name(name).map_err(|problem| self.refuse(place, problem))?;
        Ok(name.to_owned())
    }

    /// Neither NaN nor infinity is within any range.
    fn number<T: FromStr + PartialOrd + Display>(
        &self,
        place: usize,
        allowed: RangeInclusive<T>,
    ) -> Result<T, PlanError> {
        let text = self.field(place);
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            self.refuse(place, format!("{text:?} is not a number from {least} to {most}"))
        })
    }

    /// Something is wrong with the field at this place.
    fn refuse(&self, place: usize, problem: impl Into<String>) -> PlanError {
        let text = self.source.text.get(self.at..).unwrap_or_default();
        self.source.refuse(self.at + begin_of(text, place), problem)
    }
}

/// Where a field of the line at the beginning of a text begins. Commas in quotes separate nothing.
fn begin_of(text: &str, place: usize) -> usize {
    let mut quoted = false;
    let commas = text.bytes().enumerate().filter(|(_, byte)| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    match place.checked_sub(1) {
        None => 0,
        Some(before) => commas.map(|(at, _)| at + 1).nth(before).unwrap_or_default(),
    }
}
