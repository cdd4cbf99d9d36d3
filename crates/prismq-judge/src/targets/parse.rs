//! Reads targets from TOML; an error says where the mistake is and what to write instead.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use prismq_record::RunRecord;
use prismq_record::fingerprint::fingerprint;
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Kind, OPERATORS, Target, TargetError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    targets: BTreeMap<Spanned<String>, Spanned<Value>>,
    #[serde(default)]
    goals: BTreeMap<Spanned<String>, Spanned<Value>>,
    #[serde(default)]
    invariants: BTreeMap<Spanned<String>, Spanned<Value>>,
}

/// Reads a file of targets, in their order.
///
/// # Errors
/// [`TargetError`] says what is wrong, and where.
pub fn read(path: &Path) -> Result<Vec<Target>, TargetError> {
    let text = fs::read_to_string(path)
        .map_err(|source| TargetError::Read { path: path.to_owned(), source })?;
    parse(&text, &path.display().to_string())
}

/// Reads the targets of an engine: of one with a file of its own next to this one, `engines/ENGINE.toml`, those alone.
///
/// # Errors
/// [`TargetError`] says what is wrong, and where.
pub fn read_of(path: &Path, engine: &str) -> Result<Vec<Target>, TargetError> {
    read_own(path, engine)?.map_or_else(|| read(path), Ok)
}

/// The targets of an engine that has a file of its own.
fn read_own(path: &Path, engine: &str) -> Result<Option<Vec<Target>>, TargetError> {
    read_next_to(path, ENGINES, engine)
}

/// Reads a file in a folder next to this one, if it is there.
fn read_next_to(path: &Path, folder: &str, name: &str) -> Result<Option<Vec<Target>>, TargetError> {
    let folder = path.parent().unwrap_or(Path::new("")).join(folder);
    match read(&folder.join(format!("{name}.toml"))) {
        Ok(targets) => Ok(Some(targets)),
        Err(TargetError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the targets of a run: those of its engine, if that has a file of its own ([`read_of`]), else this file and, where
/// there is one, that of the run's own machine next to it: `machines/FINGERPRINT.toml`, for bounds that hold on no other.
///
/// # Errors
/// [`TargetError`] says what is wrong, and where.
pub fn read_for(path: &Path, run: &RunRecord) -> Result<Vec<Target>, TargetError> {
    let Some(suite) = run.suites.first() else { return read(path) };
    if let Some(own) = read_own(path, &suite.engine)? {
        return Ok(own);
    }
    let mut targets = read(path)?;
    let of_machine = read_next_to(path, MACHINES, &fingerprint(&suite.environment))?;
    targets.extend(of_machine.unwrap_or_default());
    Ok(targets)
}

/// The folder of the machines' own targets.
const MACHINES: &str = "machines";
/// The folder of the engines' own targets.
const ENGINES: &str = "engines";

/// Reads targets from a text that messages call `name`.
///
/// # Errors
/// [`TargetError`] says what is wrong, and where.
pub fn parse(text: &str, name: &str) -> Result<Vec<Target>, TargetError> {
    let file: File = toml::from_str(text).map_err(|error| syntax(&error, text, name))?;
    if file.targets.is_empty() && file.goals.is_empty() && file.invariants.is_empty() {
        return Err(TargetError::Empty { name: name.to_owned() });
    }
    let targets = file.targets.into_iter().map(|entry| (Kind::Target, entry));
    let goals = file.goals.into_iter().map(|entry| (Kind::Goal, entry));
    let invariants = file.invariants.into_iter().map(|entry| (Kind::Invariant, entry));
    let mut entries: Vec<_> = targets.chain(goals).chain(invariants).collect();
    entries.sort_by_key(|(_, (key, _))| key.span().start);
    entries
        .into_iter()
        .map(|(kind, (key, value))| {
            let place = place(name, text, key.span().start);
            let key = key.into_inner();
            target(&key, value.get_ref(), &place, kind).map_err(|reason| TargetError::Target {
                place,
                key,
                reason,
            })
        })
        .collect()
}

/// Reads one target from a text such as `latency/end_to_end/workers=1:p99_ms < 1000 ms`, which messages
/// call `place`.
///
/// # Errors
/// [`TargetError`] says what is wrong.
pub fn threshold(text: &str, place: &str) -> Result<Target, TargetError> {
    // An id may contain `=`, but neither it nor a metric's name contains a colon.
    let metric = text.find(':').unwrap_or(text.len());
    let operator = text.get(metric..).unwrap_or_default().find(['<', '=', '>']);
    let (key, wanted) = text.split_at(metric + operator.unwrap_or(text.len() - metric));
    target(key.trim(), &Value::from(wanted), place, Kind::Target).map_err(|reason| {
        TargetError::Target { place: place.to_owned(), key: key.trim().to_owned(), reason }
    })
}

fn syntax(error: &toml::de::Error, text: &str, name: &str) -> TargetError {
    let span = error.span().unwrap_or_default();
    let found = text.get(span.clone()).unwrap_or_default().trim();
    let reason = match error.message() {
        "duplicate key" => format!("target {found} is a duplicate: keep one of the two"),
        message => message.to_owned(),
    };
    TargetError::Syntax { place: place(name, text, span.start), reason }
}

fn target(key: &str, value: &Value, place: &str, kind: Kind) -> Result<Target, String> {
    let Some((scenario, metric)) = key.split_once(':') else {
        return Err("write \"suite/scenario/param=value:metric\"".to_owned());
    };
    if metric.is_empty() {
        return Err("names no metric after the colon: write \"scenario:metric\"".to_owned());
    }
    let Some(value) = value.as_str().map(str::trim) else {
        return Err(format!("{value} is not a string: write it as in \"< 100 ms\""));
    };
    let found = OPERATORS
        .iter()
        .find_map(|(text, operator)| Some((*operator, value.strip_prefix(text)?.trim_start())));
    let Some((operator, rest)) = found else {
        return Err(format!("{value:?} must begin with one of < <= = >= >, as in \"< 100 ms\""));
    };
    let Some((number, unit)) = rest.split_once(char::is_whitespace) else {
        return Err(format!("{value:?} must end with a unit, as in \"< 100 ms\""));
    };
    let not_a_bound = |what| format!("{number:?} is not a {what}, as in \"< 100 ms\"");
    let bound: f64 = number.parse().map_err(|_| not_a_bound("number"))?;
    if !bound.is_finite() {
        return Err(not_a_bound("finite number"));
    }
    Ok(Target {
        scenario: scenario.to_owned(),
        metric: metric.to_owned(),
        operator,
        bound,
        unit: unit.trim().to_owned(),
        kind,
        place: place.to_owned(),
    })
}

fn place(name: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("{name}:{line}:{column}")
}
