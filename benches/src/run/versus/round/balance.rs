//! The end of a round: checks that no task was lost or run twice, and ends the driver.

use std::time::Duration;

use prismq_driver::lane::Record;
use prismq_driver::message::Settle;

use crate::observe::tokens::TokenBalance;
use crate::subject::remote::{Crew, Lanes, Launch, Result, Session};

/// Stops the crew, balances the tasks of these records and ends the driver; returns what is wrong.
pub(in crate::run::versus) fn balance(
    session: Session,
    crew: Option<Crew>,
    enqueued: &[Lanes],
    launch: &Launch,
    counts: impl Fn(&Record) -> bool,
) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let settles = session.about().settle != Settle::None;
    if let Some(crew) = crew {
        let (stopped, ran) = session.stop(crew, Duration::from_secs(10))?;
        let records = enqueued.iter().flat_map(Lanes::records).chain(ran.records());
        let balance = TokenBalance::of(records.filter(|record| counts(record)), [], settles);
        faults.extend(balance.faults());
        faults.extend(stopped.errors);
    }
    session.close()?;
    faults.extend(launch.take_violations());
    Ok(faults)
}
