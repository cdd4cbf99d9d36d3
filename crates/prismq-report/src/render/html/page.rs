//! The page: words, pictures, style and script in one template, and the policy that lets a browser run
//! nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Input;
use super::chart::css;
use super::figures::{self, Absent, Figure};
use crate::render::RenderError;
use crate::render::view::View;

const TEMPLATE: &str = include_str!("report.html.jinja");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

#[derive(Debug, Serialize)]
struct Page {
    policy: String,
    style: String,
    script: &'static str,
    /// What the run is told apart by, in the title of a tab.
    commit: String,
    view: View,
    figures: Vec<Figure>,
    absent: Vec<Absent>,
    criterion: Vec<Link>,
}

/// A page of Criterion's, from `results/`.
#[derive(Debug, Serialize)]
struct Link {
    name: String,
    address: String,
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
    // No reader can show them, and no parser of XML takes them.
    text.retain(|character| character == '\n' || !character.is_control());
    Ok(text)
}

/// Nothing is loaded from anywhere; the page's own style and script alone are let in, by their hash.
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

/// Criterion's pages: its index, and one for each group, which is a suite.
fn criterion(input: &Input<'_>) -> Vec<Link> {
    const ROOT: &str = "../target/criterion";
    let groups = input.run.suites.iter().map(|suite| {
        let folder: String = suite.suite.chars().map(file_character).collect();
        Link { name: suite.suite.clone(), address: format!("{ROOT}/{folder}/report/index.html") }
    });
    let address = format!("{ROOT}/report/index.html");
    std::iter::once(Link { name: "all benchmarks".to_owned(), address }).chain(groups).collect()
}

/// What Criterion names a folder by; the rest is nothing it wrote.
fn file_character(character: char) -> char {
    if character.is_alphanumeric() || "-_".contains(character) { character } else { '_' }
}
