//! Writes the page of a made-up run, to see what a report looks like without measuring anything:
//! `cargo run -p prismq-report --example sample_report -- report.html`.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    reason = "the run is that of the tests, which stop at the first surprise"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;

use prismq_report::render::html::Input;
use prismq_report::render::{View, html, markdown, terminal};

fn main() -> Result<(), Box<dyn Error>> {
    let full = support::full_run::full_run();
    let path = std::env::args().nth(1).ok_or("name the file to write")?;
    let page = html(&Input {
        baseline: Some(&full.baseline),
        history: &full.history,
        ..Input::new(&full.run, &full.verdict)
    })?;
    std::fs::write(&path, page)?;
    let view = View::new(&full.run, &full.verdict);
    std::fs::write(format!("{path}.md"), markdown(&view)?)?;
    println!("{}", terminal(&view));
    Ok(())
}
