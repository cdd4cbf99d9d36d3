use roxmltree::Document;

use crate::support::page::{figure, figures, full};

fn number(node: roxmltree::Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn all_eleven_are_there_wide_and_narrow_with_their_question() {
    let page = full();
    assert_eq!(
        figures(&page),
        [
            "scaling",
            "load",
            "percentiles",
            "heatmap",
            "timeline",
            "resources",
            "stages",
            "backlog",
            "fairness",
            "history",
            "contention"
        ]
    );
    for id in figures(&page) {
        let document = Document::parse(figure(&page, id)).unwrap();
        let find = |tag: &str| document.descendants().find(|node| node.has_tag_name(tag));
        assert!(find("h3").unwrap().text().unwrap().ends_with('?'), "{id}");
        assert!(find("figcaption").unwrap().text().unwrap().ends_with('.'), "{id}");
        let labelled = document.descendants().filter(|node| node.attribute("role") == Some("img"));
        let labelled: Vec<_> = labelled.collect();
        assert!(labelled.len() >= 2 && labelled.len().is_multiple_of(2), "{id}");
        for svg in labelled {
            assert!(svg.attribute("aria-label").unwrap().len() > 20, "{id}");
        }
    }
}

#[test]
fn nothing_is_drawn_outside_a_picture() {
    let page = full();
    for id in figures(&page) {
        let document = Document::parse(figure(&page, id)).unwrap();
        for svg in document.descendants().filter(|node| node.attribute("role") == Some("img")) {
            let (width, height) = (number(svg, "width"), number(svg, "height"));
            for text in svg.descendants().filter(|node| node.tag_name().name() == "text") {
                let words = text.text().unwrap_or_default().trim();
                let (x, y) = (number(text, "x"), number(text, "y"));
                // As wide as a wide font would make it.
                let long = words.chars().count() as f64 * number(text, "font-size") * 0.6;
                let left = match text.attribute("text-anchor") {
                    Some("end") => x - long,
                    Some("middle") => x - long / 2.0,
                    _ => x,
                };
                assert!(left >= -6.0 && left + long <= width + 6.0, "{id}: {words:?} at {x}");
                assert!((0.0..=height).contains(&y), "{id}: {words:?} at {y}");
            }
            for line in svg.descendants().filter(|node| node.has_attribute("points")) {
                for point in line.attribute("points").unwrap().split_whitespace() {
                    let (x, y) = point.split_once(',').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    let inside = (0.0..=width).contains(&x) && (0.0..=height).contains(&y);
                    assert!(inside, "{id}: {point}");
                }
            }
        }
    }
}
