use crate::support::full_run::rich;
use crate::support::page::{bare, figures, full};

#[test]
fn a_picture_without_data_says_how_to_get_it() {
    let mut run = rich().run;
    run.suites.retain(|suite| suite.suite == "throughput");
    let page = bare(&run);
    assert_eq!(figures(&page), ["scaling"], "no frame is empty");
    let absent = page.split_once("<h3>Not drawn</h3>").unwrap().1;
    let absent = absent.split_once("</ul>").unwrap().0;
    assert_eq!(absent.matches("<li>").count(), 10);
    let sentence = "<strong>What happened during a run?</strong> This run holds no pieces of time \
                    (intervals) within a round. Run <code>cargo bench --bench latency</code>.";
    assert!(absent.contains(sentence), "{absent}");

    assert!(!full().contains("Not drawn"));
}
