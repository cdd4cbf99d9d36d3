//! Group commit in front of an engine that answers what the test says.

mod failures;
mod groups;
mod parked_claims;

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::engine::{Claimed, Reader, Watch};
use crate::model::{Claim, Contention, Lease, NewTask, Payload, QueueStats, Task, TaskId};
use crate::time::{Clock, SystemClock};

/// Longer than anything takes that is waited for here.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers every batch; reports the size of the group it was given and waits until the test lets it go on.
#[derive(Debug)]
struct Gate {
    groups: Sender<usize>,
    go: Mutex<Receiver<Result<()>>>,
    clock: Arc<dyn Clock>,
}

impl Engine for Gate {
    fn apply(&self, batch: &[Operation]) -> Result<Answers> {
        self.groups.send(batch.len()).unwrap();
        let go = self.go.lock().unwrap_or_else(PoisonError::into_inner);
        // Panics once the test no longer answers.
        go.recv_timeout(PATIENCE).expect("the test goes on")?;
        Ok(batch.iter().map(|_| Ok(Answer::Claimed(Claimed::default()))).collect())
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn version(&self) -> Result<i64> {
        Ok(0)
    }

    fn watch(&self) -> Watch {
        Watch { changes: None, poll_interval: PATIENCE }
    }

    fn write_log(&self) {}

    fn contention(&self) -> Contention {
        Contention::default()
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

impl Reader for Gate {
    fn task(&self, _: TaskId) -> Result<Option<Task>> {
        Ok(None)
    }

    fn payloads(&self, _: &[TaskId], _: usize) -> Result<Vec<Result<Payload>>> {
        Ok(Vec::new())
    }

    fn stats(&self, _: &str) -> Result<QueueStats> {
        Ok(QueueStats::default())
    }
}

struct Scene {
    committer: Arc<Committer>,
    groups: Receiver<usize>,
    go: Sender<Result<()>>,
}

fn scene(overload_wait: Duration) -> Scene {
    let ((groups_in, groups), (go, go_out)) = (channel(), channel());
    let go_out = Mutex::new(go_out);
    let gate = Gate { groups: groups_in, go: go_out, clock: Arc::new(SystemClock) };
    let committer = Committer::new(Arc::new(gate), Arc::default(), overload_wait);
    Scene { committer: Arc::new(committer), groups, go }
}

fn enqueue() -> Operation {
    Operation::Enqueue(vec![NewTask::new("t", [])])
}

impl Scene {
    fn caller(&self, operations: usize) -> thread::JoinHandle<Answers> {
        let committer = self.committer.clone();
        thread::spawn(move || committer.submit(vec![enqueue(); operations]))
    }

    fn wait_for_pending(&self, operations: usize) {
        while self.committer.pending.lock().operations != operations {
            thread::yield_now();
        }
    }
}

/// Stands for an idle pool that has room for so many tasks.
#[derive(Debug)]
pub(crate) struct Idle {
    claim: Claim,
    room: usize,
    pub(crate) given: Mutex<Vec<Lease>>,
    /// How many reservations were kept.
    kept: Mutex<usize>,
}

impl Idle {
    pub(crate) fn with_room(room: usize) -> Arc<Self> {
        let claim = Claim::new(["t"]);
        Arc::new(Self { claim, room, given: Mutex::default(), kept: Mutex::default() })
    }

    pub(crate) fn given(&self) -> usize {
        self.given.lock().unwrap().len()
    }
}

impl Claimer for Idle {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn reserve(&self, _: i32) -> usize {
        self.room
    }

    fn deliver(&self, room: usize, leases: Vec<Lease>) {
        assert_eq!(room, self.room);
        *self.kept.lock().unwrap() += 1;
        self.given.lock().unwrap().extend(leases);
    }

    fn work_arrived(&self) {}

    fn paused(&self, _: &str) {}
}
