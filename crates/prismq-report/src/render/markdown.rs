//! The Markdown report, from its template. Its content comes from the [`View`].

use minijinja::Environment;
use minijinja::value::Serde;

use super::RenderError;
use super::view::View;

const TEMPLATE: &str = include_str!("report.md.jinja");

/// The whole report: verdict, targets, changes and warnings open, the rest folded.
///
/// # Errors
/// [`RenderError`], which only a defect in the template causes.
pub fn markdown(view: &View) -> Result<String, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("text", text);
    environment.add_filter("code", code);
    environment.add_template("report.md", TEMPLATE)?;
    let mut text = environment.get_template("report.md")?.render(Serde(view))?;
    text.truncate(text.trim_end().len());
    text.push('\n');
    Ok(text)
}

/// Escapes text from a record, so that it neither ends its table cell or line nor becomes markup.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '#' | '@' => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}

/// A name as code; `|` is escaped, as it would end a table cell even there.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('`', "'"))
}
