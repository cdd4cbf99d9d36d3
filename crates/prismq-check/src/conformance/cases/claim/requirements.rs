//! Tasks that require something of their worker.

use prismq::limits::{CAPABILITIES_MAX, REQUIREMENTS_MAX};

use crate::conformance::cases::{Engine, all_payloads, enqueue};
use crate::conformance::expect::{CaseResult, Mismatch, equal, refused};
use crate::conformance::subject::{ClaimSpec, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_task_is_given_only_to_a_worker_that_has_all_it_requires,
    a_requirement_that_is_new_to_the_queue_holds_at_once,
    requirements_and_capabilities_out_of_bounds_are_refused,
);

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn requiring(payload: &str, names: &[&str]) -> TaskSpec {
    TaskSpec { requires: owned(names), ..TaskSpec::new(payload) }
}

/// What a worker with these capabilities is given; it gives all of it back.
fn given_to(engine: Engine<'_>, capabilities: &[&str]) -> Result<Vec<String>, Mismatch> {
    let claim = ClaimSpec { capabilities: owned(capabilities), ..ClaimSpec::default() };
    let claimed = engine.claim(&claim)?;
    for lease in &claimed {
        engine.release(lease)?;
    }
    Ok(claimed.iter().map(|task| String::from_utf8_lossy(&task.payload).into_owned()).collect())
}

fn a_task_is_given_only_to_a_worker_that_has_all_it_requires(engine: Engine<'_>) -> CaseResult {
    engine.enqueue(&[
        requiring("gpu and eu", &["gpu", "eu", "gpu"]),
        requiring("eu", &["eu"]),
        requiring("plain", &[]),
        requiring("mars", &["mars"]),
    ])?;
    equal("without capabilities", given_to(engine, &[])?, owned(&["plain"]))?;
    equal("with a gpu", given_to(engine, &["gpu"])?, owned(&["plain"]))?;
    equal("in the eu", given_to(engine, &["eu"])?, owned(&["eu", "plain"]))?;
    let all = given_to(engine, &["eu", "gpu", "spare"])?;
    equal("with a gpu in the eu", all, owned(&["gpu and eu", "eu", "plain"]))
}

fn a_requirement_that_is_new_to_the_queue_holds_at_once(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec::new("plain"))?;
    equal("the first claim", all_payloads(engine)?, owned(&["plain"]))?;
    enqueue(engine, &requiring("gpu", &["gpu"]))?;
    equal("a claim without a gpu", all_payloads(engine)?, Vec::new())?;
    equal("a claim with one", given_to(engine, &["gpu"])?, owned(&["gpu"]))
}

fn requirements_and_capabilities_out_of_bounds_are_refused(engine: Engine<'_>) -> CaseResult {
    let names = |count: usize| -> Vec<String> { (0..count).map(|name| name.to_string()).collect() };
    let many = TaskSpec { requires: names(REQUIREMENTS_MAX + 1), ..TaskSpec::default() };
    refused("many requirements", engine.enqueue(&[many]), Refusal::Invalid)?;
    refused("a line feed", engine.enqueue(&[requiring("", &["a\nb"])]), Refusal::Invalid)?;
    let many = ClaimSpec { capabilities: names(CAPABILITIES_MAX + 1), ..ClaimSpec::default() };
    refused("many capabilities", engine.claim(&many), Refusal::Invalid)?;
    enqueue(engine, &TaskSpec { requires: names(REQUIREMENTS_MAX), ..TaskSpec::default() })?;
    let all = ClaimSpec { capabilities: names(CAPABILITIES_MAX), ..ClaimSpec::default() };
    equal("tasks given to a worker with all", engine.claim(&all)?.len(), 1)
}
