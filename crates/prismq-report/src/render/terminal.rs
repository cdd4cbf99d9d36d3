//! The report for a terminal: the verdict first, then its reasons, wrapped to the terminal's width.

use std::fmt::Write as _;

use console::{Style, Term, measure_text_width};

use super::table::Table;
use super::view::{ChangeView, ComparisonView, OpenTarget, View};

/// Room for a question of the first screen.
const QUESTION: usize = 14;

/// What the terminal supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Whether colours are used.
    pub colour: bool,
    /// The width in characters at which lines are wrapped; `None` for no wrapping, as in a file.
    pub width: Option<u16>,
    /// Changes with a line of their own, where a report has all.
    pub changes_max: Option<usize>,
}

impl TerminalOptions {
    /// The options for standard output: colours and a width only for a terminal, and no colours if `NO_COLOR` is
    /// set.
    #[must_use]
    pub fn of_stdout() -> Self {
        let term = Term::stdout();
        let width = term.size_checked().map(|(_, columns)| columns);
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: console::colors_enabled() && !unwanted, width, changes_max: None }
    }

    fn style(self, style: Style, text: &str) -> String {
        style.force_styling(self.colour).apply_to(text).to_string()
    }

    /// The style of a verdict or result.
    fn verdict(self, word: &str, text: &str) -> String {
        let style = match word {
            "PASS" | "good" | "improved" => Style::new().green(),
            "PARTIAL" | "INCONCLUSIVE" | "UNDECIDED" | "NO DATA" | "doubt" | "missing" => {
                Style::new().yellow()
            }
            "FAIL" | "MISSED" | "REGRESSION" | "INVALID" | "bad" | "regressed" => {
                Style::new().red()
            }
            _ => Style::new(),
        };
        self.style(style.bold(), text)
    }

    fn dim(self, text: &str) -> String {
        self.style(Style::new().dim(), text)
    }

    fn fits(self, text: &str) -> bool {
        self.width.is_none_or(|width| measure_text_width(text) <= usize::from(width))
    }
}

/// The report for standard output.
#[must_use]
pub fn terminal(view: &View) -> String {
    terminal_as(view, TerminalOptions::of_stdout())
}

/// The report for a terminal with these options.
#[must_use]
pub fn terminal_as(view: &View, look: TerminalOptions) -> String {
    let mut text = String::new();
    let banner = look.verdict(view.status, view.status);
    wrapped(&mut text, look, &format!("{banner}: {}", view.headline), 2);
    for answer in &view.answers {
        let words = look.verdict(answer.mark, &answer.words);
        wrapped(&mut text, look, &format!("  {:QUESTION$}{words}", answer.question), QUESTION + 2);
    }
    for reason in view.invalid.iter().chain(&view.inconclusive).chain(&view.faults) {
        wrapped(&mut text, look, &format!("! {reason}"), 2);
    }
    let met = view.met + view.held;
    if !view.open.is_empty() || met > 0 {
        text.push('\n');
        open(&mut text, look, &view.open);
        if met > 0 {
            let plural = if view.met == 1 { "" } else { "s" };
            let held = match view.held {
                0 => String::new(),
                1 => ", 1 invariant held".to_owned(),
                held => format!(", {held} invariants held"),
            };
            wrapped(&mut text, look, &format!("{} target{plural} met{held}", view.met), 2);
        }
    }
    if let Some(comparison) = &view.comparison {
        text.push('\n');
        let line = format!("against {}: {}", comparison.baseline, comparison.summary);
        wrapped(&mut text, look, &line, 2);
        if !comparison.rows.is_empty() {
            changes(&mut text, look, comparison);
        }
    }
    text.push('\n');
    wrapped(&mut text, look, &view.machine, 2);
    let run = format!("run {}, {}, {} s", view.run_id, view.subject, view.seconds);
    wrapped(&mut text, look, &run, 2);
    if !view.warnings.is_empty() {
        for warning in &view.warnings {
            let mark = look.style(Style::new().yellow(), "warning");
            wrapped(&mut text, look, &format!("{mark}: {warning}"), 2);
        }
    }
    text
}

/// Writes text wrapped to the width; lines after the first are indented.
pub(crate) fn wrapped(text: &mut String, look: TerminalOptions, words: &str, indent: usize) {
    let width = look.width.map_or(usize::MAX, usize::from);
    let start = words.len() - words.trim_start().len();
    let mut line = " ".repeat(start);
    let mut empty = true;
    for word in words.trim_start().split(' ') {
        // `1 234` is not broken.
        let inside = line.ends_with(|last: char| last.is_ascii_digit())
            && word.starts_with(|first: char| first.is_ascii_digit());
        let more = measure_text_width(&line) + 1 + measure_text_width(word);
        if !empty && more > width && !inside {
            let _ = writeln!(text, "{line}");
            line = " ".repeat(indent);
        } else if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// One line for each target, or two in a narrow terminal.
fn open(text: &mut String, look: TerminalOptions, targets: &[OpenTarget]) {
    let widest = |of: fn(&OpenTarget) -> &str| {
        targets.iter().map(|target| measure_text_width(of(target))).max().unwrap_or(0)
    };
    let (mark, name) = (widest(|target| target.mark), widest(|target| &target.name));
    let line = |target: &OpenTarget| {
        let gap = " ".repeat(mark - measure_text_width(target.mark));
        let head = look.verdict(target.mark, target.mark);
        format!("{head}{gap}  {:name$}  {}", target.name, figures(target))
    };
    let lines: Vec<String> = targets.iter().map(line).collect();
    if lines.iter().all(|line| look.fits(line)) {
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        return;
    }
    for target in targets {
        let head = look.verdict(target.mark, target.mark);
        wrapped(text, look, &format!("{head} {}", target.name), 4);
        wrapped(text, look, &format!("    {}", figures(target)), 4);
    }
}

/// `188.4 ms [183.7, 194.0], wanted < 5 ms, 37× short`.
fn figures(target: &OpenTarget) -> String {
    let margin = if target.margin.is_empty() { "" } else { ", " };
    format!("{}, wanted {}{margin}{}", target.measured, target.wanted, target.margin)
}

/// What changed, and what has no figure to compare.
fn changes(text: &mut String, look: TerminalOptions, comparison: &ComparisonView) {
    let (without, rows): (Vec<&ChangeView>, Vec<&ChangeView>) =
        comparison.rows.iter().partition(|row| matches!(row.kind, "missing" | "not-comparable"));
    // The largest regressions first; what improved stays in the order of the scenarios.
    let (mut first, rest): (Vec<&ChangeView>, Vec<&ChangeView>) =
        rows.into_iter().partition(|row| row.kind == "regressed");
    first.sort_by(|one, other| other.size().total_cmp(&one.size()));
    let mut rows = [first, rest].concat();
    let more = rows.split_off(rows.len().min(look.changes_max.unwrap_or(usize::MAX)));
    if !rows.is_empty() {
        changed(text, look, &rows);
    }
    if !more.is_empty() {
        let regressed = more.iter().filter(|row| row.kind == "regressed").count();
        let line =
            format!("  and {} more, {regressed} of them regressed: see the report", more.len());
        wrapped(text, look, &line, 4);
    }
    uncompared(text, look, &without);
}

/// One line for all metrics of a scenario that lack a comparison for the same reason.
fn uncompared(text: &mut String, look: TerminalOptions, rows: &[&ChangeView]) {
    let parts = |row: &ChangeView| {
        let (scenario, metric) = row.name.rsplit_once(':').unwrap_or((&row.name, ""));
        (scenario.to_owned(), row.change.clone(), metric.to_owned())
    };
    let mut lines: Vec<(String, String, Vec<String>)> = Vec::new();
    for (scenario, change, metric) in rows.iter().map(|row| parts(row)) {
        match lines.last_mut() {
            Some(last) if (&last.0, &last.1) == (&scenario, &change) => last.2.push(metric),
            _ => lines.push((scenario, change, vec![metric])),
        }
    }
    for (scenario, change, metrics) in lines {
        let change = look.verdict("missing", &change);
        let line = format!("  {scenario}: {change} ({})", metrics.join(", "));
        wrapped(text, look, &line, 4);
    }
}

/// A table of changes with their figures.
fn changed(text: &mut String, look: TerminalOptions, rows: &[&ChangeView]) {
    let any = |of: fn(&ChangeView) -> &String| rows.iter().any(|row| !of(row).is_empty());
    let (interval, noise) = (any(|row| &row.interval), any(|row| &row.noise));
    let mut header = vec!["metric", "baseline", "this run", "change"];
    header.extend(interval.then_some("interval"));
    header.extend(noise.then_some("noise"));
    let figures = header.len();
    header.push("");
    let mut table = Table::aligned_right(1..figures);
    table.add_row(header.iter().map(|name| look.dim(name)));
    for row in rows {
        let mut cells = vec![&row.name, &row.before, &row.after, &row.delta];
        cells.extend(interval.then_some(&row.interval));
        cells.extend(noise.then_some(&row.noise));
        let verdict = look.verdict(row.kind, &row.change);
        table.add_row(cells.into_iter().cloned().chain([verdict]));
    }
    let drawn = table.to_string();
    if drawn.lines().all(|line| look.fits(line)) {
        let _ = writeln!(text, "{drawn}");
        return;
    }
    // Too narrow for a table: two lines for each change.
    for row in rows {
        wrapped(text, look, &format!("  {} {}", look.verdict(row.kind, &row.change), row.name), 4);
        let figures = [&row.delta, &row.interval, &row.noise];
        let figures: Vec<&str> =
            figures.into_iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        let line = format!("    {} -> {} {}", row.before, row.after, figures.join(" "));
        wrapped(text, look, &line, 4);
    }
}
