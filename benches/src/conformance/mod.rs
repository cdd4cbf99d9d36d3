//! Whether a driver keeps the protocol: the numbered rules of `benches/DRIVERS.md`, each checked or named as not
//! checked.

mod durability;
mod ends;
mod findings;
mod kill;
mod pace;
mod talk;
mod work;

pub use durability::{Verified, verify};
pub use findings::{Findings, Outcome, RULES};
pub use kill::{Killed, Victim, kill_rounds};

use std::time::Duration;

use tempfile::TempDir;

use crate::base::bench_dir::BenchDir;
use crate::subject::remote::{Bounds, DriverError, Launch, Manifest, Result};

/// A driver to be checked.
#[derive(Debug)]
pub struct Candidate {
    /// How it is started.
    pub launch: Launch,
    /// What it is shipped with, if it is.
    pub manifest: Option<Manifest>,
    /// How long it may take to answer.
    pub bounds: Bounds,
    /// How long its records may stand still while tasks are left.
    pub patience: Duration,
    /// Where its queues are made.
    pub directory: BenchDir,
}

impl Candidate {
    /// A driver with the usual bounds.
    #[must_use]
    pub fn new(launch: Launch, manifest: Option<Manifest>, directory: BenchDir) -> Self {
        let patience = Duration::from_secs(15);
        Self { launch, manifest, bounds: Bounds::default(), patience, directory }
    }

    /// A new directory for a queue.
    pub(crate) fn fresh(&self) -> Result<TempDir> {
        self.directory.fresh().map_err(|error| DriverError::Directory {
            path: self.directory.root().to_owned(),
            source: std::io::Error::other(error),
        })
    }
}

/// A part of the check: a session or a few, which check some of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Greeting, clock, opening and good-bye: rules 1 to 6, and 13.
    Talk,
    /// A thousand tasks: rules 7 to 9, 11, and 20 to 22.
    Work,
    /// An open load and an idle crew: rules 10, 12 and 14.
    Pace,
    /// What follows a stop, a full lane, the end of the input: rules 13, 18 and 19.
    Ends,
    /// `kill -9` of driver and store, of each alone: rules 15 and 16.
    Kill,
    /// Slowed syncs: rule 17.
    Durability,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Talk, Self::Work, Self::Pace, Self::Ends, Self::Kill, Self::Durability];
}

/// Checks a driver by the rules of these phases.
#[must_use]
pub fn check(candidate: &Candidate, phases: &[Phase]) -> Findings {
    let mut findings = Findings::default();
    for phase in phases {
        let checked = match phase {
            Phase::Talk => talk::check(candidate, &mut findings),
            Phase::Work => work::check(candidate, &mut findings),
            Phase::Pace => pace::check(candidate, &mut findings),
            Phase::Ends => ends::check(candidate, &mut findings),
            Phase::Kill => kill::check(candidate, &mut findings),
            Phase::Durability => durability::check(candidate, &mut findings),
        };
        if let Err(error) = checked {
            findings.fail(rule_of(&error), format!("{phase:?}: {error}"));
            // Without a greeting nothing else can be asked.
            if *phase == Phase::Talk {
                break;
            }
        }
    }
    findings.hold(2, Ok(()));
    for violation in candidate.launch.take_violations() {
        findings.fail(2, violation);
    }
    findings
}

/// The rule that an error breaks wherever it occurs.
const fn rule_of(error: &DriverError) -> u8 {
    match error {
        DriverError::Standstill { .. } => 7,
        DriverError::Lane { .. } => 9,
        DriverError::Start { .. } => 1,
        _ => 5,
    }
}
