//! Rules 1 to 6, and 13: greeting, unknown requests, clock, opening, good-bye.

use std::path::Path;

use prismq_driver::VERSION;
use prismq_driver::clock::now;
use prismq_driver::message::{Ask, Choice, Now};

use super::{Candidate, Findings};
use crate::subject::remote::{Driver, Ended, Result, Session};

pub(super) fn check(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    let driver = Driver::start(&candidate.launch, candidate.bounds)?;
    let about = match driver.hello() {
        Ok(about) => about,
        Err(error) => {
            findings.fail(1, error.to_string());
            return Err(error);
        }
    };
    findings.require(1, about.v == VERSION, || format!("it speaks version {}", about.v));
    for difference in candidate.manifest.iter().flat_map(|manifest| manifest.differences(&about)) {
        findings.fail(1, difference);
    }
    let said = driver.ask_unknown("dance")?;
    let code = said.error.map_or_else(|| "ok".to_owned(), |error| error.code);
    findings.require(3, code == "unknown_request", || format!("it answered {code}"));

    let before = now();
    let Now { now_ns } = driver.ask(&Ask::Clock, candidate.bounds.short)?;
    let after = now();
    findings.require(4, (before..=after).contains(&now_ns), || {
        format!("it read {now_ns}, which is not in {before} to {after}")
    });

    let directory = candidate.fresh()?;
    let session = Session::open_with(driver, about, directory.path(), true, Choice::Default)?;
    let opened = session.opened();
    findings.require(6, !opened.settings.is_empty(), || "it reads no settings back".to_owned());
    for path in &opened.paths {
        let is_inside = Path::new(path).starts_with(directory.path());
        findings.require(6, is_inside, || format!("{path} is not in the directory"));
    }
    findings.hold(5, Ok(()));
    leave(session, findings)
}

/// Ends a session, which leaves nothing behind.
pub(super) fn leave(session: Session, findings: &mut Findings) -> Result<()> {
    let Ended { status, left } = session.close()?;
    let exit = match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("after `bye` it ended with {status}")),
        None => Err("it did not end after `bye`".to_owned()),
    };
    findings.hold(13, exit);
    findings.require(13, left == 0, || format!("it left {left} processes behind"));
    Ok(())
}
