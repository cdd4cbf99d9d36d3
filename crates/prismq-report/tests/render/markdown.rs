//! Texts of a record in the Markdown report.

use prismq_judge::verdict::{FailOn, judge};
use prismq_report::render::{View, markdown};

use crate::support::full_run::full_run;

#[test]
fn texts_of_a_record_are_escaped_in_markdown() {
    let mut run = full_run().run;
    let suite = &mut run.suites[4];
    suite.engine = "</details> **x** | `y`\nz".to_owned();
    suite.scenarios[0].id = "throughput/a|b`c".to_owned();
    suite.scenarios[0].metrics[0].value = None;
    suite.scenarios[0].metrics[0].reason = Some("<b>|@all".to_owned());
    run.suites.swap(0, 4);
    let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
    let text = markdown(&View::new(&run, &verdict)).unwrap();
    assert!(text.contains(r"engine &lt;/details&gt; \*\*x\*\* \| \`y\` z, profile"), "{text}");
    assert!(text.contains(r"| `a\|b'c` |"), "{text}");
    assert!(text.contains(r"– (&lt;b&gt;\|\@all)"), "{text}");
    // Every row of a table has as many cells as its head.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut head = None;
    for line in text.lines() {
        if !line.starts_with('|') {
            head = None;
            continue;
        }
        assert_eq!(cells(line), *head.get_or_insert(cells(line)), "{line}");
    }
    let folded = |tag: &str| text.lines().filter(|line| line.starts_with(tag)).count();
    assert_eq!(folded("<details>"), folded("</details>"));
}

#[test]
fn the_markdown_report() {
    let full = full_run();
    let text = markdown(&View::new(&full.run, &full.verdict)).unwrap();
    let before_the_suites = text.split_once("<details><summary>All figures").unwrap().0;
    insta::assert_snapshot!("markdown_rich", before_the_suites);
}
