//! The layout of the terminal report.

use console::{measure_text_width, strip_ansi_codes};
use prismq_report::render::{TerminalOptions, View, terminal_as};

use crate::support::full_run::full_run;

fn shown(look: TerminalOptions) -> String {
    let full = full_run();
    terminal_as(&View::new(&full.run, &full.verdict), look)
}

#[test]
fn without_a_terminal_the_report_is_aligned_and_without_colour() {
    let text = shown(TerminalOptions { colour: false, width: None });
    assert_eq!(strip_ansi_codes(&text), text);
    insta::assert_snapshot!("terminal_rich", text);
}

#[test]
fn lines_fit_a_narrow_terminal() {
    for width in [40, 60, 80] {
        let text = shown(TerminalOptions { colour: false, width: Some(width) });
        // What has no space in it cannot be broken.
        for line in text.lines().filter(|line| line.trim().contains(' ')) {
            let longest = line.split(' ').map(measure_text_width).max().unwrap();
            let room = usize::from(width).max(longest + 8) + " 234],".len();
            assert!(measure_text_width(line) <= room, "{width}: {line}");
        }
    }
    insta::assert_snapshot!(
        "terminal_narrow",
        shown(TerminalOptions { colour: false, width: Some(48) })
    );
}

#[test]
fn colour_does_not_change_the_text() {
    let plain = shown(TerminalOptions { colour: false, width: Some(90) });
    let coloured = shown(TerminalOptions { colour: true, width: Some(90) });
    assert!(coloured.contains("\u{1b}[31m") && coloured.contains("\u{1b}[32m"));
    assert_eq!(strip_ansi_codes(&coloured), plain);
}
