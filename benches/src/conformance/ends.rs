//! Rules 13, 18 and 19: after a stop, a full lane, the end of the input.

use std::thread;
use std::time::Duration;

use prismq_driver::lane::Kind;
use prismq_driver::message::{Ask, Choice, Enqueued, Now, Records, Work};

use tempfile::TempDir;

use super::{Candidate, Findings, talk};
use crate::subject::remote::{Memory, Result, Round, Session, uniform};

const TASKS: u64 = 20;
const ROOM: u64 = 5;
/// How long a crew that was stopped is watched.
const WATCHED: Duration = Duration::from_millis(500);

pub(super) fn check(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    let open = || -> Result<(TempDir, Session)> {
        let directory = candidate.fresh()?;
        let (launch, bounds) = (&candidate.launch, candidate.bounds);
        let session = Session::open(launch, bounds, directory.path(), true, Choice::Default)?;
        Ok((directory, session))
    };
    let plan = Memory::plan(&uniform(TASKS, Duration::ZERO, Duration::ZERO))?;
    let (_directory, session) = open()?;

    // Two crews: the lanes of the first are watched while the second has not begun.
    let crew = session.start("first", 2, Work::None, &plan, TASKS, Records::Buffered)?;
    let (_, mut lanes) = session.stop(crew, Duration::from_secs(5))?;
    let known = lanes.count(Kind::Run);
    let full = Round::closed(0, TASKS, 1);
    let (id, mut written) = session.begin_enqueue_in(&plan, &full, ROOM)?;
    let answered = session.driver().finish::<Enqueued>(id, "enqueue", candidate.bounds.long);
    answered?;
    written.poll()?;
    thread::sleep(WATCHED);
    lanes.poll()?;
    let runs = lanes.count(Kind::Run) - known;
    findings.require(13, runs == 0, || format!("{runs} tasks were run after `stop`"));

    let faults = session.driver().faults();
    let named = faults.iter().filter(|fault| fault.code == "lane_full").count();
    findings.require(18, named > 0, || "it sent no error lane_full".to_owned());
    findings.require(18, named <= 1, || format!("it sent {named} errors lane_full for one lane"));
    let count = written.count(Kind::Enqueued);
    findings.require(18, count <= ROOM, || format!("it wrote {count} records, {ROOM} had room"));
    session.driver().ask::<Now>(&Ask::Clock, candidate.bounds.short)?;
    talk::leave(session, findings)?;

    let (_directory, session) = open()?;
    session.load(&plan, 0, 2, 64)?;
    session.start("hanging", 1, Work::Hang, &plan, TASKS, Records::Buffered)?;
    let ended = session.hang_up();
    findings.require(19, ended.status.is_some(), || "it did not end with its input".to_owned());
    let left = ended.left;
    findings.require(19, left == 0, || format!("it left {left} processes behind"));
    Ok(())
}
