//! The Markdown report, from its template. What it says is decided in the [`View`].

use minijinja::Environment;
use minijinja::value::Serde;
use thiserror::Error;

use super::view::View;

const TEMPLATE: &str = include_str!("report.md.jinja");

/// Why a report could not be drawn: a defect in its template.
#[derive(Debug, Error)]
#[error("the report template is broken: {0}")]
pub struct RenderError(#[from] minijinja::Error);

/// The whole report.
///
/// # Errors
/// [`RenderError`], which only a defect in the template causes.
pub fn markdown(view: &View) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("cell", cell);
    environment.add_template("report.md", TEMPLATE)?;
    let mut text = environment.get_template("report.md")?.render(Serde(view))?;
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

/// What stands in a table must neither end its cell nor its line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
