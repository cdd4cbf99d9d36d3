//! What a person who looks at a report relies on: one scenario a file, named as a sentence.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod page;
mod rich;
#[path = "../report/steady.rs"]
mod steady;

mod a_damaged_histogram_is_an_error_that_names_it;
mod a_narrow_terminal_shows_whole_words;
mod a_page_loads_nothing_and_runs_only_its_own_script;
mod a_page_works_in_a_browser;
mod a_picture_is_well_formed_and_keeps_within_its_frame;
mod a_picture_shows_what_its_record_says;
mod a_picture_without_data_says_how_to_get_it;
mod a_warning_is_given_for_what_makes_figures_doubtful;
mod first_screen;
mod hover;
mod markdown_holds_what_a_record_says_as_words;
mod what_a_record_says_never_becomes_markup;
