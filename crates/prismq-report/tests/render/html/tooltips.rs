//! The tooltips of a wide figure.

use prismq_report::render::html;
use prismq_report::render::html::Input;
use roxmltree::Document;

use crate::support::full_run::full_run;
use crate::support::full_run::throughput::WORKERS;
use crate::support::page::{figure, figures, full};

/// The tooltips of a figure in its wide or narrow form.
fn tips(page: &str, id: &str, class: &str) -> Vec<String> {
    let document = Document::parse(figure(page, id)).unwrap();
    let drawn = document.descendants().find(|node| node.attribute("class") == Some(class)).unwrap();
    let titles = drawn
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title")));
    titles.map(|title| title.text().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_mark_has_a_tooltip_with_value_place_and_interval() {
    let found = tips(&full(), "scaling", "wide");
    for workers in WORKERS {
        let place = format!("\nworkers: {workers}\n");
        let own =
            found.iter().find(|tip| tip.starts_with("throughput/drain\n") && tip.contains(&place));
        let own = own.unwrap_or_else(|| panic!("{workers}: {found:?}"));
        assert!(own.contains("tasks/s: ") && own.contains("interval: "), "{own}");
    }
    let ten = found.iter().find(|tip| tip.contains("\nworkers: 10\n")).unwrap();
    assert!(ten.contains("tasks/s: 3 721"), "{ten}");
}

#[test]
fn wide_figures_have_tooltips_and_narrow_ones_none() {
    let page = full();
    for id in figures(&page) {
        assert!(!tips(&page, id, "wide").is_empty(), "{id}");
        assert_eq!(tips(&page, id, "narrow"), Vec::<String>::new(), "{id}");
    }
    let cells = tips(&page, "heatmap", "wide");
    assert!(cells.iter().all(|cell| cell.contains(" tasks of ")), "{cells:?}");
    let percentiles = tips(&page, "percentiles", "wide");
    assert!(
        percentiles.iter().any(|tip| tip.contains("percentile of tasks: 99.")),
        "{percentiles:?}"
    );
}

#[test]
fn targets_and_the_baseline_are_drawn_if_present() {
    let made = full_run();
    let legend = |page: &str, id: &str| {
        let text = figure(page, id).to_owned();
        let target = ["target</li>", "target of p", "target: "];
        (target.iter().any(|words| text.contains(words)), text.contains("baseline"))
    };
    let page = full();
    for id in ["scaling", "load", "percentiles", "history", "contention"] {
        assert_eq!(legend(&page, id), (true, true), "{id}");
    }
    assert!(legend(&page, "stages").1);
    let verdict =
        prismq_judge::verdict::judge(&made.run, &[], None, prismq_judge::verdict::FailOn::Never);
    let alone =
        Input { history: &made.history, ..Input::new(&made.run, verdict.as_ref().unwrap()) };
    let page = html(&alone).unwrap();
    for id in ["scaling", "load", "percentiles", "history", "contention", "stages"] {
        assert_eq!(legend(&page, id), (false, false), "{id}");
    }
}
