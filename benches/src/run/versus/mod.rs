//! Queues side by side: which durability each has in fact, and the same workloads for all, in rounds that take turns.
//!
//! Every round begins with a new process and an empty directory. Each pass over the queues has an order of its own,
//! drawn from a seed, and between two queues the disk is measured. What a queue fails at is written down, and its
//! later rounds are left out; the others go on. A run that is stopped keeps what it has measured.

mod contender;
mod draft;
mod overhead;
mod planned;
mod round;
mod workloads;

pub use overhead::Overhead;
pub use round::{Sizes, round};
pub use workloads::{Figures, Reading};

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use prismq_record::{LeftOut, SCHEMA_VERSION, VERSUS_SCHEMA, VersusRecord};
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;
use ulid::Ulid;

use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::base::paths;
use crate::base::profile::Profile;
use crate::environment;
use crate::load::plan::load;
use crate::reference::disk;
use crate::run::machine_lock::MachineLock;
use crate::run::settings;
use crate::run::settings::filter::Filter;
use crate::run::settings::invocation::{Invocation, Mode};
use crate::subject::remote::Manifest;
use contender::Running;
use draft::Draft;
use planned::Planned;

const NAME: &str = "versus";

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Scope {
    rounds: usize,
    /// How long a workload of a round should take.
    seconds: f64,
}

impl Scope {
    const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Smoke => Self { rounds: 2, seconds: 0.2 },
            Profile::Standard => Self { rounds: 5, seconds: 1.0 },
            Profile::Full => Self { rounds: 11, seconds: 3.0 },
        }
    }
}

/// Measures all drivers that are built here, or those whose name matches the filter, at the usual workloads or at the one
/// of the file that `PRISMQ_WORKLOAD` names, and writes a record. The exit
/// status is 0 if one was written, 1 if not, 2 if a setting is wrong.
#[must_use]
pub fn main() -> ExitCode {
    let invocation = Invocation::from_args();
    // Its correctness is tested by the tests of drivers: without `cargo bench` there is nothing to do.
    if invocation.mode != Mode::Measure {
        return ExitCode::SUCCESS;
    }
    let settings = Filter::of(&invocation).and_then(|filter| Ok((filter, Profile::from_env()?)));
    let (filter, profile) = match settings {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("error: {NAME}: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&invocation, &filter, profile) {
        Ok(path) => {
            println!(
                "\n{NAME}: written to {path}; shown by: cargo run --release -p prismq-report -- versus"
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {NAME}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(invocation: &Invocation, filter: &Filter, profile: Profile) -> Result<String> {
    let directory = BenchDir::from_env();
    let _alone = MachineLock::take(&MachineLock::path(), NAME, |holder| {
        eprintln!("{NAME}: waiting for another measurement on this machine: {holder}");
    })?;
    let workload = settings::workload().map(|path| load(&path)).transpose()?;
    let planned = workload.as_ref().map(Planned::of);
    directory.sweep()?;
    let sync = environment::sync::check(&directory)?;
    let before = environment::conditions(&directory);
    let around = (before.clone(), before);
    let (started_at, seed) = (Timestamp::now(), seed());
    let draft = Draft::begin(
        &directory,
        VersusRecord {
            schema: VERSUS_SCHEMA.to_owned(),
            schema_version: SCHEMA_VERSION.to_owned(),
            run_id: Ulid::generate().to_string(),
            started_at,
            ended_at: started_at,
            stopped: false,
            profile: profile.name().to_owned(),
            seed,
            argv: invocation.argv.clone(),
            protocol: prismq_driver::VERSION,
            environment: environment::gather(&directory, Vec::new(), true, sync, around)?,
            syncs_per_s: Vec::new(),
            contenders: Vec::new(),
            left_out: Vec::new(),
        },
    )?;
    let (mut contenders, left_out) = contenders(&directory, filter)?;
    draft.record().left_out = left_out;
    let scope = Scope::of(profile);
    take_turns((&mut contenders, planned.as_ref()), (&directory, &draft), scope, seed)?;
    draft.write()
}

fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or_default()
}

/// The queues that can be measured, with what was verified of them, and those that cannot.
fn contenders(directory: &BenchDir, filter: &Filter) -> Result<(Vec<Running>, Vec<LeftOut>)> {
    let unfit = |reason: String| Error::Unfit { reason };
    let manifests =
        Manifest::all(&paths::drivers_dir()).map_err(|error| unfit(error.to_string()))?;
    let (mut contenders, mut left_out) = (Vec::new(), Vec::new());
    for manifest in manifests {
        let name = manifest.name().to_owned();
        let is_meant = filter.selects(&name) && !manifest.is_example();
        if !is_meant {
            continue;
        }
        match Running::all_of(&manifest, directory) {
            Ok(found) => contenders.extend(found),
            Err(reason) => {
                eprintln!("{NAME}: {name} is left out: {reason}");
                left_out.push(LeftOut { name, reason });
            }
        }
    }
    if contenders.is_empty() {
        let reason = "no driver of benches/drivers/ is built and selected: \
                      cargo run --release -p prismq-bench -- driver list";
        return Err(unfit(reason.to_owned()));
    }
    Ok((contenders, left_out))
}

/// Runs all rounds.
fn take_turns(
    (contenders, planned): (&mut [Running], Option<&Planned>),
    (directory, draft): (&BenchDir, &Draft),
    scope: Scope,
    seed: u64,
) -> Result<()> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    draft.record().contenders = contenders.iter().map(Running::record).cloned().collect();
    // The first pass finds out how much work is so many seconds, and its figures are discarded.
    for pass in 0..=scope.rounds {
        order.shuffle(&mut random);
        for index in &order {
            let Some(contender) = contenders.get_mut(*index) else { continue };
            let syncs_per_s = disk::syncs_per_s(directory)?;
            if pass == 0 {
                contender.calibrate(scope.seconds, planned);
            } else {
                contender.measure(planned);
            }
            eprintln!("{NAME}: round {pass} of {}: {}", scope.rounds, contender.title());
            let mut record = draft.record();
            record.syncs_per_s.push(syncs_per_s);
            if let Some(known) = record.contenders.get_mut(*index) {
                known.clone_from(contender.record());
            }
        }
    }
    Ok(())
}
