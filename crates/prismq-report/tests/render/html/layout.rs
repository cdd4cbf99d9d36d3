//! Every figure is drawn within its frame, or says what is missing.

use prismq_report::render::html;
use prismq_report::render::html::Input;
use roxmltree::Document;

use crate::support::full_run::full_run;
use crate::support::page::{bare, figure, figures, full};

fn number(node: roxmltree::Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn every_figure_is_drawn_wide_and_narrow_with_its_question() {
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
fn nothing_is_drawn_outside_a_figure() {
    let page = full();
    for id in figures(&page) {
        let document = Document::parse(figure(&page, id)).unwrap();
        for svg in document.descendants().filter(|node| node.attribute("role") == Some("img")) {
            let (width, height) = (number(svg, "width"), number(svg, "height"));
            for text in svg.descendants().filter(|node| node.tag_name().name() == "text") {
                let words = text.text().unwrap_or_default().trim();
                let (x, y) = (number(text, "x"), number(text, "y"));
                // As wide as in a wide font.
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

#[test]
fn a_figure_without_data_says_how_to_get_it() {
    let mut run = full_run().run;
    run.suites.retain(|suite| suite.suite == "throughput");
    let page = bare(&run);
    assert_eq!(figures(&page), ["scaling"], "no frame is empty");
    let absent = page.split_once("<h3>Not drawn</h3>").unwrap().1;
    let absent = absent.split_once("</ul>").unwrap().0;
    assert_eq!(absent.matches("<li>").count(), 10);
    let sentence = "<strong>What happened during a run?</strong> This run lacks pieces of time \
                    (intervals) within a round. Run <code>cargo bench --bench latency</code>.";
    assert!(absent.contains(sentence), "{absent}");

    assert!(!full().contains("Not drawn"));
}

#[test]
fn a_damaged_histogram_is_an_error_with_its_name() {
    let mut full = full_run();
    let scenario = &mut full.run.suites[1].scenarios[2];
    scenario.histograms.get_mut("end_to_end").unwrap().data.truncate(8);
    let error = html(&Input::new(&full.run, &full.verdict)).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read the histogram end_to_end of latency/open/load=50: "),
        "{error}"
    );
}

#[test]
fn time_before_the_measured_part_has_one_name() {
    let words = |own: bool| {
        let mut run = full_run().run;
        let scenarios = run.suites.iter_mut().flat_map(|suite| &mut suite.scenarios);
        let backlog = scenarios.into_iter().find(|found| found.id.starts_with("stress/backlog"));
        let round = &mut backlog.unwrap().rounds[0];
        round.intervals.iter_mut().for_each(|piece| piece.from_s -= 8.0);
        for phase in &mut round.phases {
            (phase.from_s, phase.to_s) = (phase.from_s - 8.0, phase.to_s - 8.0);
        }
        if !own {
            round.phases.remove(0);
        }
        let page = bare(&run);
        let figure = figure(&page, "backlog");
        (figure.contains("build -8 to 0"), figure.contains("warm-up -8 to 0"))
    };
    assert_eq!(words(true), (true, false), "the phase of its own");
    assert_eq!(words(false), (false, true));
}
