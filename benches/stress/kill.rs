//! A process that enqueues and completes is killed at drawn moments: does the file hold what it had
//! acknowledged?

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::fault::kill::{Kill, round};

const SEED: u64 = 0x6b69_6c6c;
const LIFE_MAX_MS: u64 = 100;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let kills = suite.stage().scale().pick(1, 2, 4, 20);
    let case = Case::variant("kill", "acknowledged")
        .seed(SEED)
        .with("kills", kills)
        .with("life_max_ms", LIFE_MAX_MS);
    let life = (Duration::ZERO, Duration::from_millis(LIFE_MAX_MS));
    let kills = u32::try_from(kills).unwrap_or(u32::MAX);
    let mut index = 0;
    suite.measure(case, move |stage| {
        index += 1;
        round(stage, &Kill { kills, life, seed: SEED + index })
    })
}
