//! Texts in columns, for a terminal: each column as wide as its widest cell, a space on either side of it.

use std::fmt;

use console::measure_text_width;

/// A table that grows row by row. Cells may be coloured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// An empty table in which these columns, counted from 0, are aligned to the right.
    pub(crate) fn aligned_right(columns: impl IntoIterator<Item = usize>) -> Self {
        Self { rows: Vec::new(), right: columns.into_iter().collect() }
    }

    /// Adds a row, of which the first may be a header.
    pub(crate) fn add_row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = " ".repeat(width - measure_text_width(cell));
                let (before, after) = if self.right.contains(&column) {
                    (gap.as_str(), "")
                } else {
                    ("", gap.as_str())
                };
                line.push_str(&format!(" {before}{cell}{after} "));
            }
            let end = if number == 0 { "" } else { "\n" };
            write!(formatter, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::aligned_right([1]);
        table.add_row(["name", "figure", ""]);
        table.add_row(["µs", "1", "so"]);
        assert_eq!(table.to_string(), " name  figure\n µs         1  so");
        assert_eq!(Table::default().to_string(), "");
    }

    #[test]
    fn colours_take_no_room() {
        let mut table = Table::default();
        table.add_row(["\u{1b}[31mred\u{1b}[0m", "1"]);
        table.add_row(["green", "2"]);
        assert_eq!(table.to_string(), " \u{1b}[31mred\u{1b}[0m    1\n green  2");
    }
}
