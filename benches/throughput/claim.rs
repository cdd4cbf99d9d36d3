//! Does a claim cost the same next to a million tasks as next to a thousand? In each round the two take
//! turns.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use prismq_bench::base::error::{Error, Result};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{P50_US, RATIO_TO_READY_1000};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::cost::claim::{
    BacklogKind, FEW, Filled, KEYS, fill, fill_with_keys, side_by_side,
};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Capability;
use prismq_record::Model;

/// Queues that are filled at once: a fill keeps one core busy, and part of another.
const FILLED_AT_ONCE: usize = 2;

/// What is in a queue next to what is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backlog {
    Tasks(BacklogKind, usize),
    Keys(usize),
}

impl Backlog {
    fn case(self) -> Case {
        match self {
            Self::Tasks(kind, tasks) => Case::new("claim", kind.name(), tasks),
            // What a claim of tasks under a limit costs, by the keys that they have.
            Self::Keys(keys) => Case::new("claim", "keys", keys),
        }
    }

    fn fill(self, stage: &Stage) -> Result<Filled> {
        match self {
            Self::Tasks(kind, tasks) => fill(stage, kind, tasks),
            Self::Keys(keys) => fill_with_keys(stage, keys),
        }
    }
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if !suite.offers(Capability::Backlogs, "claims next to many tasks") {
        return Ok(());
    }
    let tasks = suite.stage().scale().pick(FEW, 10 * FEW, 1_000_000, 1_000_000);
    let claims = suite.stage().scale().pick(5, 50, 200, 1_000);
    let kinds = BacklogKind::ALL.into_iter().map(|kind| Backlog::Tasks(kind, tasks));
    let backlogs = kinds.chain([1, KEYS].map(Backlog::Keys));
    let measured = backlogs.filter(|backlog| suite.selects(&backlog.case()));
    let queues = Queues::of(measured.collect());
    for backlog in queues.backlogs.clone() {
        let case = backlog
            .case()
            .model(Model::Probe)
            .with("ready_in_other", FEW)
            .with("claims", claims)
            .with("payload_bytes", PAYLOAD_BYTES);
        let queues = queues.clone();
        suite.measure(case, move |stage| {
            let (many, few) = queues.side_by_side(stage, backlog, claims)?;
            let readings = vec![
                P50_US.reads(1e6 * many.as_secs_f64()),
                RATIO_TO_READY_1000.reads(many.as_secs_f64() / few.as_secs_f64()),
            ];
            Ok((many, Round { readings, ..Round::default() }))
        })?;
    }
    Ok(())
}

/// Two queues that have had the same claims: one with a backlog, one without. A queue of its own for each, as a claim is
/// a tenth cheaper once the file of the WAL is as long as it gets.
struct Pair {
    backlog: Backlog,
    many: Filled,
    few: Filled,
}

impl Pair {
    fn fill(stage: &Stage, backlog: Backlog) -> Result<Self> {
        let none = Backlog::Tasks(BacklogKind::Ready, 0);
        Ok(Self { backlog, many: backlog.fill(stage)?, few: none.fill(stage)? })
    }
}

/// The queues of all scenarios that are measured, filled once the first of them is needed.
#[derive(Clone)]
struct Queues {
    backlogs: Vec<Backlog>,
    filled: Rc<OnceCell<Vec<Pair>>>,
}

impl Queues {
    fn of(backlogs: Vec<Backlog>) -> Self {
        Self { backlogs, filled: Rc::default() }
    }

    /// The median times of this many claims each from the queue with this backlog and from one without.
    fn side_by_side(
        &self,
        stage: &Stage,
        backlog: Backlog,
        claims: usize,
    ) -> Result<(Duration, Duration)> {
        let filled = match self.filled.get() {
            Some(filled) => filled,
            None => {
                let filled = fill_all(stage, self.backlogs.clone())?;
                self.filled.get_or_init(|| filled)
            }
        };
        let unfilled = || Error::Unfit { reason: format!("no queue was filled for {backlog:?}") };
        let pair = filled.iter().find(|pair| pair.backlog == backlog).ok_or_else(unfilled)?;
        side_by_side(claims, || pair.many.claim(), || pair.few.claim())
    }
}

/// Fills two queues for each backlog.
fn fill_all(stage: &Stage, backlogs: Vec<Backlog>) -> Result<Vec<Pair>> {
    let left = Mutex::new(backlogs.into_iter());
    let fill_some = || {
        let next = || left.lock().ok().and_then(|mut left| left.next());
        std::iter::from_fn(next)
            .map(|backlog| Pair::fill(stage, backlog))
            .collect::<Result<Vec<_>>>()
    };
    thread::scope(|scope| {
        let threads = [(); FILLED_AT_ONCE].map(|()| scope.spawn(fill_some));
        let mut filled = Vec::new();
        for thread in threads {
            filled.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(filled)
    })
}
