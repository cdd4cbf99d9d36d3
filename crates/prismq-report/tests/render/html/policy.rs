//! What the HTML page loads and runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::page::full;

fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    page.split_once(begin).unwrap().1.split_once(end).unwrap().0
}

#[test]
fn the_page_loads_nothing() {
    let page = full().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for address in ["http:", "https:", "//www", "url(", "@import", " src=", "<link", "<iframe"] {
        assert!(!page.contains(address), "{address}");
    }
}

#[test]
fn the_policy_allows_only_the_pages_own_style_and_script() {
    let page = full();
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let policy = policy.replace("&#x27;", "'").replace("&#x2f;", "/");
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; \
             base-uri 'none'; form-action 'none'"
        )
    );
    // Hashes do not allow code in attributes.
    assert!(!page.contains(" style=") && !page.contains(" onclick="));
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("<style").count(), 1);
}
