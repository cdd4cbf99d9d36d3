//! The scheduling study: what each order makes of a mix of priorities near saturation. Who waits, who
//! is passed over, and are claims shared as the weights say?

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::load::plan::{Plan, Schedule, parse_workload};
use prismq_bench::observe::metrics::{
    CLAIM_SHARE_PERCENT, DUPLICATED, LOST, REORDERED_MAX, Reading, SHARE_BY_WEIGHT_PERCENT,
    STARVED_PERCENT, Spec, TASKS_PER_S, WAIT_GINI, WAIT_JAIN, WAIT_P50_MS, WAIT_P95_MS,
    WAIT_P99_MS,
};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::workload::fairness::{Fairness, fairness};
use prismq_bench::scenario::workload::{Done, perform};
use prismq_bench::subject::{Capability, intern};
use prismq_record::Model;

const ORDERS: [(&str, &str); 5] = [
    ("priority", "\"priority\""),
    ("first_in_first_out", "\"first_in_first_out\""),
    ("last_in_first_out", "\"last_in_first_out\""),
    ("ageing", "{ ageing = { step_ms = 10.0 } }"),
    ("weighted_random", "\"weighted_random\""),
];
/// Priorities and their shares in percent.
const SKEWED: [(i32, u32); 4] = [(1, 10), (10, 30), (50, 40), (100, 20)];
const UNIFORM: [(i32, u32); 4] = [(1, 25), (10, 25), (50, 25), (100, 25)];
/// Four workers whose tasks take 8 ms do 500 a second at most; this is 95 % of it.
const WORKERS: usize = 4;
const SERVICE_MS: u32 = 8;
const RATE_PER_S: u32 = 475;
/// Tasks of a burst, one after the other at the same mean rate.
const BURST: u32 = 95;
const BURST_EVERY_S: f64 = 0.2;
const SEED: u64 = 1;
const STARVED_MS: u64 = 1_000;
const NS_PER_S: f64 = 1e9;

/// Only in the full profile, whose time it is worth, and of the queue that knows orders.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let worth = matches!(suite.stage().scale(), Scale::Trial | Scale::Profile(Profile::Full));
    if !worth || !suite.stage().can(Capability::Orders) {
        return Ok(());
    }
    for order in ORDERS {
        for (mix, priorities) in [("skewed", SKEWED), ("uniform", UNIFORM)] {
            study(suite, order, (mix, priorities), "poisson")?;
        }
        study(suite, order, ("skewed", SKEWED), "burst")?;
    }
    Ok(())
}

type Mix = (&'static str, [(i32, u32); 4]);

fn study(
    suite: &mut Suite,
    (name, order): (&str, &str),
    (mix, priorities): Mix,
    arrivals: &str,
) -> Result<()> {
    let duration_s = suite.stage().scale().pick(0.1, 1.0, 5.0, 20.0);
    let plan = plan(order, &priorities, arrivals, duration_s)?;
    let schedule = Schedule::draw(&plan);
    let parameter = format!("order={name},mix={mix},arrivals={arrivals}");
    let case = Case::variant("scheduling", &parameter)
        .model(Model::Open)
        .seed(SEED)
        .with("order", order)
        .with("mix", format!("{priorities:?}"))
        .with("arrivals", arrivals)
        .with("rate_per_s", RATE_PER_S)
        .with("duration_s", duration_s)
        .with("workers", WORKERS)
        .with("service_ms", SERVICE_MS)
        .with("starved_ms", STARVED_MS)
        // How fast a trial is says nothing.
        .overload(suite.is_trial());
    let experiment = Experiment::new(case, move |stage| {
        let done = perform(stage, &plan.settings, &schedule)?;
        let found = fairness(&done.tasks, Duration::from_millis(STARVED_MS));
        let round = Round {
            readings: readings(&done, &found),
            histograms: done.latencies.clone().named(),
            faults: done.faults,
            achieved: done.offered,
            ..Round::default()
        };
        Ok((longest_wait(&found), round))
    });
    suite.add(experiment.single())
}

/// The study's workload, as a user would write it.
fn plan(order: &str, priorities: &[(i32, u32)], arrivals: &str, duration_s: f64) -> Result<Plan> {
    let arrivals = match arrivals {
        "burst" => format!("burst = {{ size = {BURST}, every_s = {BURST_EVERY_S:?}"),
        _ => format!("poisson = {{ rate_per_s = {RATE_PER_S}.0"),
    };
    let choice: Vec<String> = priorities
        .iter()
        .map(|(priority, percent)| format!("{{ value = {priority}, weight = {percent}.0 }}"))
        .collect();
    let text = format!(
        "name = \"scheduling\"\nseed = {SEED}\nworkers = {WORKERS}\norder = {order}\n\
         arrivals = {{ {arrivals}, duration_s = {duration_s:?} }} }}\n\
         [[tasks]]\ntype = \"studied\"\npayload_bytes = {{ fixed = 100 }}\n\
         service_ms = {{ fixed = {SERVICE_MS}.0 }}\npriority = {{ choice = [{}] }}\n",
        choice.join(", ")
    );
    Ok(parse_workload("the study", &text)?)
}

/// What Criterion follows: the 99th percentile of the priority that waits longest.
fn longest_wait(found: &Fairness) -> Duration {
    let waits = found.classes.values().filter_map(|class| class.wait(0.99));
    Duration::from_secs_f64(waits.fold(1.0 / NS_PER_S, f64::max))
}

fn readings(done: &Done, found: &Fairness) -> Vec<Reading> {
    let mut readings = vec![
        TASKS_PER_S.reads(done.tasks_per_s()),
        STARVED_PERCENT.reads(100.0 * found.starved),
        REORDERED_MAX.counts(found.reordered_max),
        LOST.counts(done.audit.lost),
        DUPLICATED.counts(done.audit.duplicated),
    ];
    readings.extend(found.jain.map(|jain| WAIT_JAIN.reads(jain)));
    readings.extend(found.gini.map(|gini| WAIT_GINI.reads(gini)));
    for (priority, class) in &found.classes {
        let of = |spec: Spec| Spec {
            name: intern(&format!("{}_of_priority_{priority}", spec.name)),
            ..spec
        };
        for (spec, quantile) in [(WAIT_P50_MS, 0.50), (WAIT_P95_MS, 0.95), (WAIT_P99_MS, 0.99)] {
            readings.extend(class.wait(quantile).map(|wait| of(spec).reads(1e3 * wait)));
        }
        readings.push(of(CLAIM_SHARE_PERCENT).reads(100.0 * class.share));
        readings.push(of(SHARE_BY_WEIGHT_PERCENT).reads(100.0 * class.share_by_weight));
    }
    readings
}
