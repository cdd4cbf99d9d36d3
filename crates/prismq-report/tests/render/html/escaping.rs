//! Texts of a record in the HTML page.

use prismq_record::{Known, RunRecord};

use crate::support::full_run::full_run;
use crate::support::page::{figure, figures, full, page_of};

const HOSTILE: &str = "</svg></td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u{1}";

/// Replaces every free text of a record by a hostile one.
fn poison(run: &mut RunRecord) {
    for suite in &mut run.suites {
        suite.engine = HOSTILE.to_owned();
        suite.environment.machine.cpu = Known::value(HOSTILE.to_owned());
        suite.environment.sqlite.pragmas[0].name = HOSTILE.to_owned();
        for scenario in &mut suite.scenarios {
            // The swept parameter stays, so that every figure is still drawn.
            let (path, level) = scenario.id.rsplit_once('/').unwrap();
            scenario.id = format!("{path}{HOSTILE}/{level}");
            scenario.warnings.push(HOSTILE.to_owned());
            scenario.metrics.iter_mut().for_each(|metric| metric.unit = HOSTILE.to_owned());
            for round in &mut scenario.rounds {
                round.phases.iter_mut().for_each(|phase| phase.name = HOSTILE.to_owned());
            }
        }
    }
}

#[test]
fn texts_of_a_record_are_escaped_in_html() {
    let mut data = full_run();
    poison(&mut data.run);
    for point in &mut data.history {
        point.commit = Some(HOSTILE.to_owned());
        point.scenario.push_str(HOSTILE);
    }
    for check in &mut data.verdict.checks {
        check.target.scenario.push_str(HOSTILE);
        check.target.unit = HOSTILE.to_owned();
    }
    let page = page_of(&data);
    assert!(page.contains("&lt;script&gt;alert(1)"), "the words are there");
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<img") && !page.contains("</svg></td>"));
    assert_eq!(figures(&page), figures(&full()), "every figure is drawn");
    for id in figures(&page) {
        roxmltree::Document::parse(figure(&page, id)).unwrap_or_else(|error| {
            panic!("{id}: {error}");
        });
    }
}
