//! The HTML page and its figures, parsed.

use std::sync::OnceLock;

use prismq_judge::verdict::{FailOn, judge};
use prismq_record::RunRecord;
use prismq_report::render::html;
use prismq_report::render::html::Input;
use roxmltree::{Document, Node};

use crate::support::full_run::{FullRun, full_run};

/// The page of a run with data for every figure.
pub(crate) fn full() -> String {
    static MADE: OnceLock<String> = OnceLock::new();
    MADE.get_or_init(|| page_of(&full_run())).clone()
}

pub(crate) fn page_of(full: &FullRun) -> String {
    html(&Input {
        baseline: Some(&full.baseline),
        history: &full.history,
        ..Input::new(&full.run, &full.verdict)
    })
    .unwrap()
}

/// The page of a run without baseline and history.
pub(crate) fn bare(run: &RunRecord) -> String {
    let verdict = judge(run, &[], None, FailOn::Never).unwrap();
    html(&Input::new(run, &verdict)).unwrap()
}

/// The figure of this id.
pub(crate) fn figure<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = page.find(&format!("<figure id=\"{id}\">")).unwrap_or_else(|| panic!("no {id}"));
    let length = page[begin..].find("</figure>").unwrap() + "</figure>".len();
    &page[begin..begin + length]
}

/// The ids of all figures, in order.
pub(crate) fn figures(page: &str) -> Vec<&str> {
    let begins = page.split("<figure id=\"").skip(1);
    begins.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The cells of the first table of a figure, by row.
pub(crate) fn table(page: &str, id: &str) -> Vec<Vec<String>> {
    let document = Document::parse(figure(page, id)).unwrap();
    let body = document.descendants().find(|node| node.has_tag_name("tbody")).unwrap();
    let rows = body.children().filter(|node| node.has_tag_name("tr"));
    rows.map(|row| {
        let cells = row.children().filter(Node::is_element);
        cells.map(|cell| cell.text().unwrap_or_default().to_owned()).collect()
    })
    .collect()
}

/// The value of a cell, which is rounded to four digits at most; `None` for a dash.
pub(crate) fn read(cell: &str) -> Option<f64> {
    let cell = cell.trim_end_matches('%').replace(' ', "");
    if cell == "–" { None } else { Some(cell.parse().unwrap_or_else(|_| panic!("{cell:?}"))) }
}

/// Asserts that a cell shows this value.
#[track_caller]
pub(crate) fn assert_shows(cell: &str, value: impl Into<Option<f64>>) {
    match (read(cell), value.into()) {
        (None, None) => {}
        (Some(shown), Some(value)) => {
            assert!((shown - value).abs() <= 0.006 * value.abs() + 1e-9, "{shown} for {value}");
        }
        (shown, value) => panic!("{shown:?} for {value:?}"),
    }
}
