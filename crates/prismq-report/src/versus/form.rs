//! The forms of a page: a terminal's and Markdown.

use super::Section;
use crate::render::Table;

/// Text in columns.
#[must_use]
pub fn terminal(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        let Section { heading, note, header, rows } = section;
        let mut table = Table::default();
        if header.iter().any(|cell| !cell.is_empty()) {
            table.add_row(header.iter().map(String::as_str));
        }
        rows.iter().for_each(|row| table.add_row(row.iter().map(|cell| cell.replace('\n', " "))));
        text.push_str(&format!("{heading}\n{note}\n\n{table}\n\n"));
    }
    text
}

/// Markdown.
#[must_use]
pub fn markdown(sections: &[Section]) -> String {
    let mut text = String::new();
    for (number, section) in sections.iter().enumerate() {
        let Section { heading, note, header, rows } = section;
        let level = if number == 0 { "#" } else { "##" };
        let line = |cells: &[String]| {
            let cells: Vec<String> =
                cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        text.push_str(&format!("{level} {heading}\n\n{note}\n\n{}", line(header)));
        text.push_str(&format!("|{}\n", "---|".repeat(header.len())));
        rows.iter().for_each(|row| text.push_str(&line(row)));
        text.push('\n');
    }
    text
}
