use prismq_report::render::html;
use prismq_report::render::html::Input;

use crate::support::full_run::rich;

#[test]
fn a_damaged_histogram_is_an_error_that_names_it() {
    let mut rich = rich();
    let scenario = &mut rich.run.suites[1].scenarios[2];
    scenario.histograms.get_mut("end_to_end").unwrap().data.truncate(8);
    let error = html(&Input::new(&rich.run, &rich.verdict)).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read the histogram end_to_end of latency/open/load=50: "),
        "{error}"
    );
}
