//! Which benchmarks a command line selects, before Criterion is asked.

use prismq_bench::run::settings::filter::Filter;
use prismq_bench::run::settings::invocation::Invocation;

const ID: &str = "latency/open/load=50";

fn selects(line: &str) -> bool {
    let invocation = Invocation::parse(line.split_whitespace().map(str::to_owned));
    Filter::of(&invocation).is_ok_and(|filter| filter.selects(ID))
}

#[test]
fn an_id_is_selected_by_the_rules_of_criterion() {
    for line in
        ["--bench", "open --bench", "load=5.$", "^latency/o", "--exact latency/open/load=50"]
    {
        assert!(selects(line), "{line}");
    }
    for line in ["load=5$", "wake", "--exact open", "--ignored --bench", "--ignored open"] {
        assert!(!selects(line), "{line}");
    }
}

#[test]
fn an_invalid_regular_expression_is_named_by_its_error() {
    let invocation = Invocation::parse(["load(".to_owned(), "--bench".to_owned()]);
    let error = Filter::of(&invocation).unwrap_err().to_string();
    assert!(error.contains("load("), "{error}");
}
