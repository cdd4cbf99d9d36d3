//! The step summary of GitHub Actions, which rejects a summary that is too long as a whole.

/// The most bytes a step's summary may have.
pub const SUMMARY_BYTES_MAX: usize = 1024 << 10;

const NOTE: &str = "\n\n*Cut here: the whole report is longer than a summary may be. `prismq-report report` \
                    writes it to a file.*\n";

/// The text, cut after a line to at most `limit` bytes with a note about it; empty if not even the note fits.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(NOTE.len()) else { return String::new() };
    let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
    let kept = kept.rsplit_once('\n').map_or("", |(lines, _)| lines);
    format!("{kept}{NOTE}")
}
