//! Group commit in front of an engine that answers what the test says.

mod failures;
mod groups;
mod parked_claims;

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::engine::Claimed;
use crate::model::{Claim, Lease, NewTask};
use crate::time::SystemClock;

/// Longer than anything takes that is waited for here.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers every enqueue; says what group it was given and waits to be let on.
struct Gate {
    groups: Sender<usize>,
    go: Receiver<Result<()>>,
}

impl Store for Gate {
    fn apply(&mut self, _: &dyn Clock, batch: &[Operation]) -> Result<Answers> {
        self.groups.send(batch.len()).unwrap();
        // Told nothing any more, it panics.
        self.go.recv_timeout(PATIENCE).expect("the test goes on")?;
        Ok(batch.iter().map(|_| Ok(Answer::Claimed(Claimed::default()))).collect())
    }

    fn version(&self) -> Result<i64> {
        Ok(0)
    }

    fn changing_file(&self) -> Option<PathBuf> {
        None
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

struct Scene {
    committer: Arc<Committer<Gate>>,
    groups: Receiver<usize>,
    go: Sender<Result<()>>,
}

fn scene(overload_wait: Duration) -> Scene {
    let ((groups_in, groups), (go, go_out)) = (channel(), channel());
    let gate = Gate { groups: groups_in, go: go_out };
    let committer = Committer::new(gate, Arc::default(), Arc::new(SystemClock), overload_wait);
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
