//! Connections that are cut while a transaction is committed.

use std::time::Duration;

use prismq::{Claim, Error, Lease};

use crate::support::{Cut, Proxy, claimed, cluster, queue, task, tasks, wait_for};

/// Failure mode: network: the answer to a commit is lost | the server is asked for its outcome on another connection; if nobody can be asked, `CommitUnknown`
pub(crate) fn a_commit_whose_answer_is_lost_is_found_to_be_done() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    let queue = queue(&proxy.url());
    queue.enqueue(task()).unwrap();
    proxy.cut_next(Cut::After);
    queue.enqueue(task()).unwrap();
    assert!(proxy.has_cut());
    assert_eq!(tasks(&cluster), "2");
}

/// Neither a batch that is sent with its commit nor one that is not.
pub(crate) fn a_commit_whose_answer_is_made_up_by_a_pooler_is_found_to_be_done() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    for pooler in ["", "&pooler=transaction"] {
        let queue = queue(&format!("{}{pooler}", proxy.url()));
        queue.enqueue(task()).unwrap();
        for delay in [Duration::ZERO, Duration::from_secs(60)] {
            let before = queue.tasks().count().unwrap();
            proxy.cut_next(Cut::Pooler);
            queue.enqueue(task().delay(delay)).unwrap();
            assert!(proxy.has_cut());
            assert_eq!(queue.tasks().count().unwrap(), before + 1, "{pooler} {delay:?}");
        }
    }
}

/// The error ends the session, but is not the server's: the batch was committed.
pub(crate) fn a_batch_whose_answers_are_made_up_by_a_pooler_is_not_repeated() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    for (number, pooler) in (0..).zip(["", "&pooler=transaction"]) {
        let queue = queue(&format!("{}{pooler}", proxy.url()));
        (0..2).for_each(|_| drop(queue.enqueue(task()).unwrap()));
        proxy.cut_next(Cut::PoolerEarly);
        let error = queue.enqueue(task()).unwrap_err();
        assert!(proxy.has_cut());
        assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
        assert_eq!(tasks(&cluster), (3 * (number + 1)).to_string(), "{pooler}");
    }
}

pub(crate) fn a_commit_that_did_not_arrive_is_done_again() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    let queue = queue(&proxy.url());
    queue.enqueue(task()).unwrap();
    proxy.cut_next(Cut::Before);
    queue.enqueue(task()).unwrap();
    assert!(proxy.has_cut());
    assert_eq!(tasks(&cluster), "2");
}

/// The server is there, but the number to ask by has not arrived.
pub(crate) fn a_transaction_of_which_nothing_is_answered_is_not_repeated() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    let queue = queue(&proxy.url());
    queue.enqueue(task()).unwrap();
    proxy.cut_next(Cut::Whole);
    let error = queue.enqueue(task()).unwrap_err();
    assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
    assert_eq!(tasks(&cluster), "1");
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "2");
}

/// Each of its statements is then a transaction of its own, unless they were not yet sent when it was refused.
pub(crate) fn a_transaction_that_was_not_begun_is_not_repeated() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    let queue = queue(&proxy.url());
    queue.enqueue(task()).unwrap();
    proxy.cut_next(Cut::Refused);
    let error = queue.enqueue(task()).unwrap_err();
    assert!(proxy.has_cut());
    let added = u32::from(matches!(error, Error::CommitUnknown { .. }));
    assert_eq!(tasks(&cluster), (1 + added).to_string(), "{error:?}");
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), (2 + added).to_string());
}

/// Failure mode: network: the answer to a claim is lost | `CommitUnknown`; what was claimed is claimed again once its lease has expired
/// Nobody can be asked about a claim; a lease that nobody has expires.
pub(crate) fn a_claim_whose_answer_is_lost_is_reported_and_its_task_claimed_again() {
    let cluster = cluster(&[]);
    let proxy = Proxy::new(cluster.folder());
    let queue = queue(&proxy.url());
    let claim = Claim::new(["job"]).lease(Duration::from_secs(1));
    // The session of claims is there.
    assert!(queue.claim(&claim).unwrap().is_empty());
    let id = queue.enqueue(task()).unwrap().id();
    proxy.cut_next(Cut::After);
    let error = queue.claim(&claim).unwrap_err();
    assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
    wait_for("it is claimed again", || {
        queue.claim(&claim).unwrap().first().map(Lease::id) == Some(id)
    });
}

/// As one that looks first.
pub(crate) fn a_claim_of_one_statement_whose_answer_is_lost_is_reported_and_its_task_claimed_again()
{
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), Duration::from_millis(2));
    let queue = queue(&proxy.url());
    queue.enqueue(task()).unwrap();
    queue.complete(&claimed(&queue)).unwrap();
    wait_for("claims wait once", || {
        proxy.round_trips();
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
        proxy.round_trips() == 1
    });
    proxy.cut_next(Cut::AfterAutocommit);
    let claim = Claim::new(["job"]).lease(Duration::from_secs(1));
    let (mut id, mut error) = (None, None);
    // A slow one is followed by one that looks first.
    wait_for("a claim of one statement", || {
        id = Some(queue.enqueue(task()).unwrap().id());
        match queue.claim(&claim) {
            Ok(leases) => leases.iter().for_each(|lease| queue.complete(lease).unwrap()),
            Err(lost) => error = Some(lost),
        }
        proxy.has_cut()
    });
    assert!(matches!(error, Some(Error::CommitUnknown { .. })), "{error:?}");
    let leased = "SELECT state FROM prismq.task";
    assert_eq!(cluster.sql("postgres", &[leased]).unwrap(), "2", "it is leased to nobody");
    wait_for("it is claimed again", || queue.claim(&claim).unwrap().first().map(Lease::id) == id);
}

/// Failure mode: network: the answer to a commit is lost
pub(crate) fn a_commit_that_nobody_can_be_asked_about_is_reported_and_not_repeated() {
    let cluster = cluster(&[]);
    for (cut, expected) in [(Cut::After, "2"), (Cut::Before, "3"), (Cut::Whole, "4")] {
        let proxy = Proxy::new(cluster.folder());
        let wait = Duration::from_millis(200);
        let queue =
            prismq::postgres::builder(&proxy.url()).unwrap().busy_wait(wait).open().unwrap();
        queue.enqueue(task()).unwrap();
        proxy.cut_next_and_close(cut);
        let error = queue.enqueue(task()).unwrap_err();
        assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
        assert!(!error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("look before you repeat it"), "{error}");
        wait_for("the transaction's end", || tasks(&cluster) == expected);
    }
}
