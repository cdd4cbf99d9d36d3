//! The report for people: terminal, Markdown, HTML.

mod first_screen;
mod html;
mod markdown;
mod suites;
mod terminal;
mod verdict;
mod warnings;
