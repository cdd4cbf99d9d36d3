//! Limits on how many tasks run at once and how often they start, and keys that take turns.

use std::time::Duration;

use crate::conformance::cases::{Engine, LEASE, SECOND, enqueue};
use crate::conformance::expect::{CaseResult, Mismatch, equal, holds, present, refused};
use crate::conformance::subject::{
    BoundsSpec, ClaimSpec, Claimed, Failure, LimitSpec, RateSpec, Refusal, TaskSpec,
};

crate::conformance::cases::cases!(
    no_more_tasks_of_a_limit_run_at_once_than_it_allows,
    no_more_tasks_of_a_key_run_at_once_than_its_limit_allows,
    no_more_tasks_of_a_queue_run_at_once_than_it_is_set_to,
    a_slot_comes_back_when_the_lease_expires,
    tasks_start_at_the_rate_of_their_limit,
    a_limit_is_kept_and_can_be_changed,
    a_limit_that_is_not_set_is_refused,
    bounds_of_nothing_are_refused,
    keys_take_turns,
    ordered_tasks_of_a_key_run_one_at_a_time_in_order,
    a_retry_keeps_its_ordered_key,
);

const ONE: BoundsSpec = BoundsSpec { concurrency: Some(1), rate: None };

/// A task under the limit `api`, of this key if it is not empty.
fn limited(payload: &str, key: &str) -> TaskSpec {
    let key = Some(key.to_owned()).filter(|key| !key.is_empty());
    TaskSpec { limit: Some("api".to_owned()), key, ..TaskSpec::new(payload) }
}

fn ordered(payload: &str, key: &str) -> TaskSpec {
    TaskSpec { limit: None, ordered: true, ..limited(payload, key) }
}

fn total(bounds: BoundsSpec) -> LimitSpec {
    LimitSpec { total: bounds, ..LimitSpec::default() }
}

fn claim(engine: Engine<'_>, max: usize) -> Result<Vec<Claimed>, Mismatch> {
    Ok(engine.claim(&ClaimSpec { max, ..ClaimSpec::default() })?)
}

fn at(claimed: &[Claimed], place: usize) -> Result<&Claimed, Mismatch> {
    present("a claimed task", claimed.get(place))
}

fn text(claimed: &[Claimed]) -> String {
    claimed.iter().map(|task| String::from_utf8_lossy(&task.payload).into_owned()).collect()
}

fn no_more_tasks_of_a_limit_run_at_once_than_it_allows(engine: Engine<'_>) -> CaseResult {
    engine.set_limit("api", &total(BoundsSpec { concurrency: Some(2), rate: None }))?;
    engine.enqueue(&["a", "b", "c", "d"].map(|payload| limited(payload, "")))?;
    enqueue(engine, &TaskSpec { priority: 200, ..TaskSpec::new("free") })?;
    let running = claim(engine, 9)?;
    equal("the first claim", text(&running), "abfree".to_owned())?;
    equal("while two run", text(&claim(engine, 9)?), String::new())?;
    engine.complete(at(&running, 0)?)?;
    equal("once one is completed", text(&claim(engine, 9)?), "c".to_owned())?;
    engine.fail(at(&running, 1)?, &Failure::permanent("no"))?;
    equal("once one is dead", text(&claim(engine, 9)?), "d".to_owned())?;
    equal("ready", engine.stats("default")?.ready, 0)
}

fn no_more_tasks_of_a_key_run_at_once_than_its_limit_allows(engine: Engine<'_>) -> CaseResult {
    engine.set_limit("api", &LimitSpec { per_key: ONE, ..LimitSpec::default() })?;
    engine.enqueue(&[limited("1", "a"), limited("2", "a"), limited("3", "b")])?;
    let mut running = claim(engine, 9)?;
    running.sort_by_key(|task| task.task);
    equal("one of each", text(&running), "13".to_owned())?;
    engine.release(at(&running, 0)?)?;
    equal("after a release", claim(engine, 9)?.len(), 1)?;
    equal("while both run", claim(engine, 9)?.len(), 0)
}

fn no_more_tasks_of_a_queue_run_at_once_than_it_is_set_to(engine: Engine<'_>) -> CaseResult {
    engine.set_concurrency("default", Some(2))?;
    engine.enqueue(&["a", "b", "c"].map(TaskSpec::new))?;
    let running = claim(engine, 9)?;
    equal("the first claim", text(&running), "ab".to_owned())?;
    equal("while two run", text(&claim(engine, 9)?), String::new())?;
    engine.complete(at(&running, 0)?)?;
    equal("once one is completed", text(&claim(engine, 9)?), "c".to_owned())?;
    enqueue(engine, &TaskSpec::new("d"))?;
    engine.set_concurrency("default", None)?;
    equal("without a bound", text(&claim(engine, 9)?), "d".to_owned())
}

fn a_slot_comes_back_when_the_lease_expires(engine: Engine<'_>) -> CaseResult {
    engine.set_limit("api", &total(ONE))?;
    engine.enqueue(&[limited("a", ""), limited("b", "")])?;
    claim(engine, 9)?;
    engine.set_clock(LEASE);
    equal("the task is given out again", text(&claim(engine, 9)?), "a".to_owned())?;
    equal("and no other", text(&claim(engine, 9)?), String::new())
}

fn tasks_start_at_the_rate_of_their_limit(engine: Engine<'_>) -> CaseResult {
    let rate = RateSpec { tasks: 2, period: Duration::from_secs(1), burst: 1 };
    engine.set_limit("api", &total(BoundsSpec { concurrency: None, rate: Some(rate) }))?;
    engine.enqueue(&["a", "b", "c", "d", "e", "f"].map(|payload| limited(payload, "")))?;
    equal("at once", text(&claim(engine, 9)?), "a".to_owned())?;
    engine.set_clock(SECOND / 4);
    equal("too early", text(&claim(engine, 9)?), String::new())?;
    engine.set_clock(SECOND / 4);
    equal("after half a second", text(&claim(engine, 9)?), "b".to_owned())?;
    engine.set_clock(10 * SECOND);
    equal("after a pause", text(&claim(engine, 9)?), "c".to_owned())?;
    let rate = RateSpec { burst: 2, ..rate };
    engine.set_limit("api", &total(BoundsSpec { concurrency: None, rate: Some(rate) }))?;
    engine.set_clock(10 * SECOND);
    equal("with a burst", text(&claim(engine, 9)?), "de".to_owned())
}

fn a_limit_is_kept_and_can_be_changed(engine: Engine<'_>) -> CaseResult {
    engine.set_limit("api", &total(ONE))?;
    engine.enqueue(&["a", "b", "c"].map(|payload| limited(payload, "")))?;
    engine.reopen();
    equal("after a restart", text(&claim(engine, 9)?), "a".to_owned())?;
    engine.set_limit("api", &LimitSpec::default())?;
    equal("without a bound", text(&claim(engine, 9)?), "bc".to_owned())
}

fn a_limit_that_is_not_set_is_refused(engine: Engine<'_>) -> CaseResult {
    let tasks = [TaskSpec::new("a"), limited("b", "")];
    refused("a task under an unknown limit", engine.enqueue(&tasks), Refusal::Invalid)?;
    equal("enqueued", engine.stats("default")?.enqueued, 0)
}

fn bounds_of_nothing_are_refused(engine: Engine<'_>) -> CaseResult {
    let none = BoundsSpec { concurrency: Some(0), rate: None };
    refused("no task at once", engine.set_limit("api", &total(none)), Refusal::Invalid)?;
    let rate = RateSpec { tasks: 0, period: Duration::from_secs(1), burst: 1 };
    let none = LimitSpec {
        per_key: BoundsSpec { concurrency: None, rate: Some(rate) },
        ..LimitSpec::default()
    };
    refused("no task a second", engine.set_limit("api", &none), Refusal::Invalid)?;
    refused("a queue of none", engine.set_concurrency("default", Some(0)), Refusal::Invalid)?;
    let keyless = TaskSpec { ordered: true, ..TaskSpec::new("a") };
    refused("an order without a key", engine.enqueue(&[keyless]), Refusal::Invalid)
}

fn keys_take_turns(engine: Engine<'_>) -> CaseResult {
    engine.set_limit("api", &LimitSpec::default())?;
    engine.enqueue(&vec![limited("a", "many"); 50])?;
    let first = claim(engine, 10)?;
    equal("only one key has tasks", text(&first), "a".repeat(10))?;
    engine.enqueue(&vec![limited("b", "few"); 5])?;
    let next = text(&claim(engine, 14)?);
    holds("the other is served within its turns", next.matches('b').count() == 5)
}

fn ordered_tasks_of_a_key_run_one_at_a_time_in_order(engine: Engine<'_>) -> CaseResult {
    engine.enqueue(&["1", "2", "3"].map(|payload| ordered(payload, "k")))?;
    for payload in ["1", "2", "3"] {
        let running = claim(engine, 9)?;
        equal("the next of the key", text(&running), payload.to_owned())?;
        equal("while it runs", text(&claim(engine, 9)?), String::new())?;
        engine.complete(at(&running, 0)?)?;
    }
    equal("left", engine.stats("default")?.ready, 0)
}

fn a_retry_keeps_its_ordered_key(engine: Engine<'_>) -> CaseResult {
    engine.enqueue(&["1", "2"].map(|payload| ordered(payload, "k")))?;
    let running = claim(engine, 9)?;
    engine.fail(at(&running, 0)?, &Failure::retry("later", Duration::from_secs(1)))?;
    equal("before the retry", text(&claim(engine, 9)?), String::new())?;
    engine.set_clock(SECOND);
    let retry = claim(engine, 9)?;
    equal("the retry", text(&retry), "1".to_owned())?;
    engine.fail(at(&retry, 0)?, &Failure::permanent("never"))?;
    equal("once it is dead", text(&claim(engine, 9)?), "2".to_owned())
}
