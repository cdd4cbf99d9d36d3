//! The page: texts, charts, style and script in one template, with a content security policy that allows nothing
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use prismq_record::criterion::Benchmark;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Input;
use super::chart::css;
use super::figures::{self, Absent, Figure};
use crate::render::RenderError;
use crate::render::humanise::{number, percent};
use crate::render::view::View;

const TEMPLATE: &str = include_str!("report.html.jinja");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

#[derive(Debug, Serialize)]
struct Page {
    policy: String,
    style: String,
    script: &'static str,
    /// The short hash of the commit, for the title.
    commit: String,
    view: View,
    figures: Vec<Figure>,
    absent: Vec<Absent>,
    criterion: Criterion,
}

/// Criterion's pages and estimates, relative to `results/`.
#[derive(Debug, Serialize)]
struct Criterion {
    /// The folder of its pages.
    root: &'static str,
    /// Pages that always exist.
    overviews: Vec<Link>,
    benchmarks: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Link {
    name: String,
    folder: String,
}

/// A benchmark with Criterion's estimates.
#[derive(Debug, Serialize)]
struct Row {
    link: Link,
    mean: String,
    interval: String,
    change: String,
    change_interval: String,
}

pub(super) fn page(input: &Input<'_>) -> Result<String, RenderError> {
    let (figures, absent) = figures::all(input)?;
    let style = format!("{}{STYLE}", css());
    let page = Page {
        policy: policy(&style),
        style,
        script: SCRIPT,
        commit: commit(input),
        view: View::new(input.run, input.verdict).with_files(input.files),
        figures,
        absent,
        criterion: criterion(input),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE)?;
    let mut text = environment.get_template("report.html")?.render(Serde(page))?;
    // XML does not allow control characters.
    text.retain(|character| character == '\n' || !character.is_control());
    Ok(text)
}

/// The content security policy: only the page's own style and script, by their hashes.
fn policy(style: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(SCRIPT)
    )
}

fn commit(input: &Input<'_>) -> String {
    let git = input.run.suites.first().and_then(|suite| suite.environment.git.value.as_ref());
    git.map_or_else(String::new, |git| git.commit.chars().take(7).collect())
}

fn criterion(input: &Input<'_>) -> Criterion {
    let all = Link { name: "all benchmarks".to_owned(), folder: String::new() };
    Criterion {
        root: "../target/criterion",
        overviews: vec![all],
        benchmarks: input.criterion.iter().map(row).collect(),
    }
}

fn row(benchmark: &Benchmark) -> Row {
    let Benchmark { id, folder, mean_ns: mean, change } = benchmark;
    let (of_a_unit, unit) = time_unit(mean.value);
    let time = |ns: f64| number(ns / of_a_unit);
    Row {
        link: Link { name: id.clone(), folder: format!("{}/", folder.display()) },
        mean: format!("{} {unit}", time(mean.value)),
        interval: format!("[{}, {}]", time(mean.lower), time(mean.upper)),
        change: change.map(|change| percent(change.value)).unwrap_or_default(),
        change_interval: change
            .map(|change| format!("[{}, {}]", percent(change.lower), percent(change.upper)))
            .unwrap_or_default(),
    }
}

/// The unit to show a time in, and its nanoseconds.
const fn time_unit(ns: f64) -> (f64, &'static str) {
    match ns {
        ..1e3 => (1.0, "ns"),
        1e3..1e6 => (1e3, "µs"),
        1e6..1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}
