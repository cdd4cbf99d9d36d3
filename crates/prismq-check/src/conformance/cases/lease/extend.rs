//! Extending a lease.

use std::time::Duration;

use prismq::limits::{LEASE_MAX, LEASE_MIN};

use crate::conformance::cases::{Engine, LEASE, LEASE_SECONDS, all_payloads, claim_one, held};
use crate::conformance::expect::{CaseResult, equal, refused};
use crate::conformance::subject::{Refusal, TaskSpec};

crate::conformance::cases::cases!(
    an_extended_lease_holds_from_now_on_for_so_long,
    an_expired_lease_is_extended_until_a_claim_takes_it_back,
    a_lost_lease_is_not_extended,
    an_extension_out_of_bounds_is_refused,
);

const BY: Duration = Duration::from_secs(LEASE_SECONDS as u64);

fn an_extended_lease_holds_from_now_on_for_so_long(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("long"))?;
    engine.set_clock(LEASE / 2);
    let expected = engine.now() + LEASE;
    equal("the new end", engine.extend(&lease, BY)?, expected)?;
    engine.set_clock(LEASE - 1);
    equal("a claim before the new end", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(1);
    equal("a claim at the new end", claim_one(engine)?.task, lease.task)
}

fn an_expired_lease_is_extended_until_a_claim_takes_it_back(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(LEASE);
    engine.extend(&lease, BY)?;
    equal("a claim after the extension", all_payloads(engine)?, Vec::new())?;
    engine.complete(&lease)?;
    equal("completed", engine.stats("default")?.completed, 1)
}

fn a_lost_lease_is_not_extended(engine: Engine<'_>) -> CaseResult {
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    let current = claim_one(engine)?;
    let before = engine.task(lost.task)?;
    refused("the late extension", engine.extend(&lost, BY), Refusal::LeaseLost)?;
    equal("the task after it", engine.task(lost.task)?, before)?;
    engine.complete(&current)?;
    refused("an extension after the end", engine.extend(&current, BY), Refusal::LeaseLost)
}

fn an_extension_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("held"))?;
    for by in [LEASE_MAX + Duration::from_micros(1), LEASE_MIN - Duration::from_nanos(1)] {
        refused(&format!("an extension by {by:?}"), engine.extend(&lease, by), Refusal::Invalid)?;
    }
    let expected = engine.now() + 7 * 24 * 3600 * 1_000_000;
    equal("the longest extension", engine.extend(&lease, LEASE_MAX)?, expected)
}
