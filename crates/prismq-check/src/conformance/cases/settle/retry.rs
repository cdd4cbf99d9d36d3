//! Retry policies of task types.

use std::time::Duration;

use prismq::RetryPolicy;

use crate::conformance::cases::{Engine, SECOND, held};
use crate::conformance::expect::{CaseResult, Mismatch, equal, present, refused};
use crate::conformance::subject::{Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_policy_decides_when_a_failed_task_runs_again,
    a_delay_of_the_failure_comes_before_the_policy,
    a_policy_out_of_bounds_is_refused,
);

const MINUTE: Duration = Duration::from_secs(60);

/// How long after its failure a task of this type runs again, in microseconds.
fn delay_after(engine: Engine<'_>, failure: &Failure) -> Result<i64, Mismatch> {
    let lease = held(engine, &TaskSpec::new("failing"))?;
    engine.fail(&lease, failure)?;
    let stored = present("the failed task", engine.task(lease.task)?)?;
    Ok(stored.run_at - engine.now())
}

fn a_policy_decides_when_a_failed_task_runs_again(engine: Engine<'_>) -> CaseResult {
    engine.set_retry("job", Some(RetryPolicy::fixed(MINUTE)))?;
    engine.set_retry("other", Some(RetryPolicy::fixed(2 * MINUTE)))?;
    engine.reopen();
    let failure = Failure::by_policy("no");
    equal("delay", delay_after(engine, &failure)?, 60 * SECOND)?;
    engine.set_retry("job", Some(RetryPolicy::fixed(3 * MINUTE)))?;
    equal("delay once it was changed", delay_after(engine, &failure)?, 180 * SECOND)
}

fn a_delay_of_the_failure_comes_before_the_policy(engine: Engine<'_>) -> CaseResult {
    engine.set_retry("job", Some(RetryPolicy::fixed(MINUTE)))?;
    let failure = Failure::retry("no", Duration::from_secs(1));
    equal("delay", delay_after(engine, &failure)?, SECOND)
}

fn a_policy_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let usual = RetryPolicy::default();
    let wrong = [
        RetryPolicy { multiplier: 0.5, ..usual },
        RetryPolicy { multiplier: f64::NAN, ..usual },
        RetryPolicy { jitter: 2.0, ..usual },
        RetryPolicy { max: Duration::MAX, ..usual },
    ];
    for policy in wrong {
        let answer = engine.set_retry("job", Some(policy));
        refused(&format!("{policy:?}"), answer, Refusal::Invalid)?;
    }
    refused("no type", engine.set_retry("", None), Refusal::Invalid)
}
