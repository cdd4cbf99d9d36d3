//! What a terminal shows: the verdict first, then why, in the width there is.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use console::{Style, Term, measure_text_width};

use super::view::{ChangeView, ComparisonView, TargetGroup, TargetView, View};

/// How the terminal is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether it shows colours and wants them.
    pub colour: bool,
    /// Its width in characters; `None` where lines may be as long as they are, as in a file.
    pub width: Option<u16>,
}

impl Look {
    /// What standard output is: colours and a width only for a terminal, and no colours where the
    /// environment says `NO_COLOR`.
    #[must_use]
    pub fn of_stdout() -> Self {
        let term = Term::stdout();
        let width = term.size_checked().map(|(_, columns)| columns);
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: console::colors_enabled() && !unwanted, width }
    }

    fn style(self, style: Style, text: &str) -> String {
        style.force_styling(self.colour).apply_to(text).to_string()
    }

    /// The style of a verdict, of any kind.
    fn verdict(self, word: &str, text: &str) -> String {
        let style = match word {
            "PASS" | "MET" | "improved" => Style::new().green(),
            "PARTIAL" | "INCONCLUSIVE" | "UNDECIDED" | "NO DATA" | "missing" => {
                Style::new().yellow()
            }
            "FAIL" | "MISSED" | "REGRESSION" | "INVALID" | "regressed" => Style::new().red(),
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

/// The verdict and what belongs to it, for standard output.
#[must_use]
pub fn terminal(view: &View) -> String {
    terminal_as(view, Look::of_stdout())
}

/// The same for a terminal of this look.
#[must_use]
pub fn terminal_as(view: &View, look: Look) -> String {
    let mut text = String::new();
    let banner = look.verdict(view.status, view.status);
    let mut lines = vec![(0, format!("{banner}: {}", view.headline))];
    lines.push((0, view.machine.clone()));
    lines.push((0, format!("run {}, {}, {} s", view.run_id, view.subject, view.seconds)));
    let reasons = view.invalid.iter().chain(&view.untold);
    lines.extend(reasons.map(|reason| (2, format!("! {reason}"))));
    for (indent, line) in lines {
        wrapped(&mut text, look, &line, indent);
    }
    targets(&mut text, look, &view.targets);
    if let Some(comparison) = &view.comparison {
        text.push('\n');
        let line = format!("against {}: {}", comparison.baseline, comparison.summary);
        wrapped(&mut text, look, &line, 2);
        if !comparison.rows.is_empty() {
            changes(&mut text, look, comparison);
        }
    }
    if !view.warnings.is_empty() {
        text.push('\n');
        for warning in &view.warnings {
            let mark = look.style(Style::new().yellow(), "warning");
            wrapped(&mut text, look, &format!("{mark}: {warning}"), 2);
        }
    }
    text
}

/// Writes words to the width there is; lines after the first are indented.
fn wrapped(text: &mut String, look: Look, words: &str, indent: usize) {
    let width = look.width.map_or(usize::MAX, usize::from);
    let start = words.len() - words.trim_start().len();
    let mut line = " ".repeat(start);
    let mut empty = true;
    for word in words.trim_start().split(' ') {
        // The space within `1 234` is no place to break.
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

/// A group a paragraph, a target a line: `MET p99_ms < 1000 ms: 3.1 [2.9, 3.4], 99 % to spare`.
fn targets(text: &mut String, look: Look, groups: &[TargetGroup]) {
    let all = || groups.iter().flat_map(|group| &group.targets);
    let widest = |of: fn(&TargetView) -> &str| {
        all().map(|target| measure_text_width(of(target))).max().unwrap_or(0)
    };
    let mark = widest(|target| target.mark);
    let parameters = widest(|target| &target.parameters);
    let expression = widest(|target| &target.expression) + 1;
    for group in groups {
        let _ = writeln!(text, "\n{}", look.style(Style::new().bold(), &group.name));
        for target in &group.targets {
            let asked = format!("{}:", target.expression);
            let result = result(target);
            let gap = " ".repeat(mark - measure_text_width(target.mark));
            let line = format!(
                "  {target_mark}{gap} {parameters_text:parameters$}  {asked:expression$} {result}",
                target_mark = look.verdict(target.mark, target.mark),
                parameters_text = target.parameters,
            );
            if look.fits(&line) {
                let _ = writeln!(text, "{}", line.trim_end());
                continue;
            }
            let head = look.verdict(target.mark, target.mark);
            let line = format!("  {head} {} {asked} {result}", target.parameters);
            wrapped(text, look, &line, 7);
        }
    }
}

fn result(target: &TargetView) -> String {
    if target.margin.is_empty() {
        target.measured.clone()
    } else {
        format!("{}, {}", target.measured, target.margin)
    }
}

fn changes(text: &mut String, look: Look, comparison: &ComparisonView) {
    let rows = &comparison.rows;
    let any = |of: fn(&ChangeView) -> &String| rows.iter().any(|row| !of(row).is_empty());
    let (interval, noise) = (any(|row| &row.interval), any(|row| &row.noise));
    let mut header = vec!["metric", "baseline", "this run", "change"];
    header.extend(interval.then_some("interval"));
    header.extend(noise.then_some("noise"));
    let figures = header.len();
    header.push("");
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|name| look.dim(name)));
    for row in rows {
        let mut cells = vec![&row.name, &row.before, &row.after, &row.delta];
        cells.extend(interval.then_some(&row.interval));
        cells.extend(noise.then_some(&row.noise));
        let verdict = look.verdict(row.kind, &row.change);
        table.add_row(cells.into_iter().cloned().chain([verdict]));
    }
    for column in 1..figures {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let drawn = table.to_string();
    if drawn.lines().all(|line| look.fits(line.trim_end())) {
        for line in drawn.lines() {
            let _ = writeln!(text, "{}", line.trim_end());
        }
        return;
    }
    // Too narrow for a table: a change is two lines.
    for row in rows {
        wrapped(text, look, &format!("  {} {}", look.verdict(row.kind, &row.change), row.name), 4);
        let figures = [&row.delta, &row.interval, &row.noise];
        let figures: Vec<&str> =
            figures.into_iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        let line = format!("    {} -> {} {}", row.before, row.after, figures.join(" "));
        wrapped(text, look, &line, 4);
    }
}
