//! What other processes and guests used of the machine while a round was measured, and the limits above which
//! the round is disturbed.
//!
//! Bounds are held against the excess over what the counters may be wrong by: the kernel counts
//! processor time in ticks of 10 ms, which in a round of 100 ms on one core is a tenth of it.

use serde::{Deserialize, Serialize};

use super::Scenario;

/// Processor time of others, in percent of all cores, from which on a round is disturbed. A load that
/// uses all cores loses about as much of its rate: it is the smallest change that verdicts look for, and
/// below it rounds differ by themselves.
pub const OTHERS_MAX_PERCENT: f64 = 10.0;
/// Time the hypervisor gave to other guests, in percent of all cores. Less than of others' processor time,
/// as a stolen core is gone in the middle of what it did, a held lock included.
pub const STEAL_MAX_PERCENT: f64 = 5.0;
/// Share of the round's time in which the control group was not allowed to run, in percent. It comes in
/// pieces of tens of milliseconds in which nothing runs: at 1 percent they are the 99th percentile.
pub const THROTTLED_MAX_PERCENT: f64 = 1.0;

/// What others used during a round. What the system does not report is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disturbance {
    /// How long it was observed, in seconds.
    pub seconds: f64,
    /// Resolution of the shares, in percent of all cores: they may be wrong by as much.
    pub resolution_percent: f64,
    /// Processor time used outside of the run's own processes and the kernel's threads, in percent of all
    /// cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_percent: Option<f64>,
    /// Time the hypervisor gave to other guests, in percent of all cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_percent: Option<f64>,
    /// Share of time in which the control group was not allowed to run, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_percent: Option<f64>,
    /// Share of time in which a thread waited for a core, in percent. Those of the run are among them, so
    /// that it has no bound: many workers on few cores always wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_pressure_percent: Option<f64>,
    /// Share of time in which a thread waited for a disk, in percent; without a bound, for the same
    /// reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io_pressure_percent: Option<f64>,
}

impl Disturbance {
    /// What exceeded its limit, if anything did.
    #[must_use]
    pub fn beyond(&self) -> Option<String> {
        let shares = [
            (self.others_percent, OTHERS_MAX_PERCENT, "other processes used"),
            (self.steal_percent, STEAL_MAX_PERCENT, "the hypervisor took"),
        ];
        let mut found: Vec<String> = shares
            .into_iter()
            .filter_map(|(share, bound, who)| {
                let share = share.filter(|share| share - self.resolution_percent > bound)?;
                Some(format!("{who} {share:.0} % of the processor (the limit is {bound:.0} %)"))
            })
            .collect();
        found.extend(self.throttled_percent.filter(|share| *share > THROTTLED_MAX_PERCENT).map(
            |share| {
                format!(
                    "the control group's quota stopped it for {share:.0} % of the time (the limit is \
                     {THROTTLED_MAX_PERCENT:.0} %)"
                )
            },
        ));
        (!found.is_empty()).then(|| found.join(" and "))
    }
}

/// Most scenarios that are named one by one.
const NAMED_MAX: usize = 3;

/// What there is to say of these scenarios' disturbed rounds: a line for each, or one for all where they are many, as a
/// busy machine disturbs all that it measures.
#[must_use]
pub fn disturbances<'a>(scenarios: impl IntoIterator<Item = &'a Scenario>) -> Vec<String> {
    let mut measured = 0;
    let mut found = Vec::new();
    for scenario in scenarios {
        measured += 1;
        if let Some(disturbed) = scenario.disturbed() {
            let rounds = scenario.rounds.iter().filter(|round| round.is_disturbed()).count();
            found.push((rounds, format!("{}: {disturbed}", scenario.id)));
        }
    }
    match found.iter().max_by_key(|(rounds, _)| *rounds) {
        Some((_, worst)) if found.len() > NAMED_MAX => {
            let count = found.len();
            vec![format!(
                "others on the machine disturbed {count} of {measured} scenarios, such as {worst}"
            )]
        }
        _ => found.into_iter().map(|(_, line)| line).collect(),
    }
}
