//! A queue behind a pooler that gives each transaction another session.

use std::thread;

use prismq::{Claim, Durability, Error, WorkerPool};
use prismq_cluster::Pooler;

use crate::names::{LOSE, lose_types};
use crate::support::{DEADLINE, claimed, cluster, queue, task, url, wait_for};

/// Sessions of the server: fewer than the clients have connections.
const SESSIONS: u32 = 2;

fn pooled(pooler: &Pooler) -> String {
    format!("{}&pooler=transaction", pooler.url("postgres"))
}

pub(crate) fn clients_share_the_sessions_of_a_pooler() {
    let cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    let queues = [(); 3].map(|()| queue(&pooled(&pooler)));
    thread::scope(|scope| {
        for queue in &queues {
            scope.spawn(|| {
                for _ in 0..20 {
                    queue.enqueue(task()).unwrap();
                }
                let pool = WorkerPool::builder(queue).workers(2).handle_bytes("job", |_, _| Ok(()));
                pool.run_until_empty().unwrap();
            });
        }
    });
    wait_for("all are completed", || queues[0].stats("default").unwrap().completed == 60);
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'prismq%'";
    let sessions: u32 = cluster.sql("postgres", &[sessions]).unwrap().parse().unwrap();
    assert!(sessions <= SESSIONS, "{sessions} sessions");
}

/// Failure mode: pooler: of transactions, and not named in the URL | refused with what to do
/// What is set in a session holds for the transactions of others otherwise: an enqueue would not wait for the disk, as
/// claims do not.
pub(crate) fn a_pooler_that_the_url_does_not_name_is_refused() {
    let cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, 1).unwrap();
    let queue = queue(&pooler.url("postgres"));
    let tries = (0..4).map(|_| {
        queue.enqueue(task())?;
        queue.claim(&Claim::new(["job"]))
    });
    let error = tries.filter_map(Result::err).next().unwrap();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("add pooler=transaction to the URL"), "{error}");
}

/// The pooler goes on over a crash, so that clients do not notice that there was one.
pub(crate) fn a_claim_through_a_pooler_is_not_undone_by_a_crash() {
    let mut cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    for durability in [Durability::Full, Durability::Normal] {
        let builder = prismq::postgres::builder(&pooled(&pooler)).unwrap().durability(durability);
        let queue = builder.busy_wait(DEADLINE).open().unwrap();
        let id = queue.enqueue(task()).unwrap().id();
        let walwriter = "SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'walwriter'";
        let process = cluster.sql("postgres", &[walwriter]).unwrap();
        // Nobody writes to the disk what is not waited for.
        cluster.pause(process.parse().unwrap()).unwrap();
        let lease = claimed(&queue);
        cluster.kill(process.parse().unwrap()).unwrap();
        cluster.wait().unwrap();
        assert_eq!(lease.id(), id);
        queue.complete(&lease).unwrap();
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
    }
}

/// It goes on over a failover too.
pub(crate) fn a_type_that_the_server_behind_a_pooler_has_lost_is_added_again() {
    let mut cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    let queue = queue(&pooled(&pooler));
    (0..2).for_each(|_| drop(queue.enqueue(task()).unwrap()));
    queue.tasks().delete().unwrap();
    lose_types(&mut cluster);
    let id = queue.enqueue(task()).unwrap().id();
    let other = crate::support::queue(&url(&cluster));
    assert_eq!(other.claim(&Claim::new(["job"])).unwrap()[0].id(), id);
    assert_eq!(queue.claim(&Claim::new(["other"])).unwrap().len(), 1);
}

/// Its sessions stay.
pub(crate) fn a_type_that_a_database_restored_behind_a_pooler_lacks_is_added_again() {
    let cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    let queue = queue(&pooled(&pooler));
    (0..2).for_each(|_| drop(queue.enqueue(task()).unwrap()));
    queue.tasks().delete().unwrap();
    cluster.sql("postgres", &[LOSE]).unwrap();
    let id = queue.enqueue(task()).unwrap().id();
    let other = crate::support::queue(&url(&cluster));
    assert_eq!(other.claim(&Claim::new(["job"])).unwrap()[0].id(), id);
}

/// A state from before the sessions, in which another type had the number.
pub(crate) fn a_number_that_a_restored_database_has_for_another_type_is_not_used() {
    let cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    let queue = queue(&pooled(&pooler));
    (0..2).for_each(|_| drop(queue.enqueue(task()).unwrap()));
    queue.tasks().delete().unwrap();
    // Epochs are times in seconds.
    wait_for("the next second", || {
        let later = "SELECT date_part('epoch', clock_timestamp()) >= epoch + 1 FROM prismq.meta";
        cluster.sql("postgres", &[later]).unwrap() == "t"
    });
    let restored = "UPDATE prismq.lane SET type = 'other'; UPDATE prismq.meta SET epoch = -100";
    cluster.sql("postgres", &[restored]).unwrap();
    let id = queue.enqueue(task()).unwrap().id();
    let other = crate::support::queue(&url(&cluster));
    assert_eq!(other.claim(&Claim::new(["job"])).unwrap()[0].id(), id);
}

pub(crate) fn a_client_without_the_pooler_is_heard_by_looking() {
    let cluster = cluster(&[]);
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    let (waiting, other) = (queue(&pooled(&pooler)), queue(&url(&cluster)));
    let pool = WorkerPool::builder(&waiting).workers(1).handle_bytes("job", |_, _| Ok(()));
    let _pool = pool.start().unwrap();
    other.enqueue(task()).unwrap();
    wait_for("the task is completed", || other.stats("default").unwrap().completed == 1);
}
