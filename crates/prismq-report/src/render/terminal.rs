//! What a terminal shows: the verdict first, then why, in the width there is.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::view::{ComparisonView, TargetView, View};

/// The verdict table and what belongs to it.
#[must_use]
pub fn terminal(view: &View) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}", view.status, view.headline);
    let _ = writeln!(text, "{}", view.machine);
    let _ = writeln!(text, "run {}, {}, {} s", view.run_id, view.subject, view.seconds);
    for reason in &view.invalid {
        let _ = writeln!(text, "! {reason}");
    }
    if !view.targets.is_empty() {
        let _ = writeln!(text, "\n{}", targets(&view.targets));
    }
    if let Some(comparison) = &view.comparison {
        let _ = writeln!(text, "\nagainst {}: {}", comparison.baseline, comparison.summary);
        if !comparison.rows.is_empty() {
            let _ = writeln!(text, "{}", changes(comparison));
        }
    }
    text
}

fn table(header: [&str; 5]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

fn targets(rows: &[TargetView]) -> Table {
    let mut table = table(["", "target", "wanted", "measured", "margin"]);
    for row in rows {
        table.add_row([row.mark, &row.name, &row.wanted, &row.measured, &row.margin]);
    }
    align_right(&mut table, [3, 4]);
    table
}

fn changes(comparison: &ComparisonView) -> Table {
    let mut table = table(["metric", "baseline", "this run", "change", ""]);
    for row in &comparison.rows {
        table.add_row([&row.name, &row.before, &row.after, &row.delta, &row.change]);
    }
    align_right(&mut table, [1, 2, 3]);
    table
}

fn align_right<const N: usize>(table: &mut Table, columns: [usize; N]) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
