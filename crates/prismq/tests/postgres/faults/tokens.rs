//! Tokens of leases, by which the server knows the last claim of a task.

use prismq::Error;
use prismq_cluster::Cluster;

use crate::support::{claimed, cluster, queue, task, url};

/// The process of the server that this query finds.
fn process(cluster: &Cluster, condition: &str) -> i32 {
    let query = format!("SELECT min(pid) FROM pg_stat_activity WHERE {condition}");
    cluster.sql("postgres", &[&query]).unwrap().parse().unwrap()
}

pub(crate) fn a_token_is_not_given_out_again_after_a_crash_that_undid_its_claim() {
    let mut cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    // A claim is not waited for, and now nobody writes it to the disk.
    cluster.pause(process(&cluster, "backend_type = 'walwriter'")).unwrap();
    let undone = claimed(&queue);
    cluster.kill(process(&cluster, "application_name = 'prismq'")).unwrap();
    cluster.wait().unwrap();
    let lease = claimed(&queue);
    assert_eq!((lease.id(), lease.attempt()), (undone.id(), 1), "the claim was not undone");
    assert!(lease.token() > undone.token(), "{} was given out again", lease.token());
    let error = queue.complete(&undone).unwrap_err();
    assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    queue.complete(&lease).unwrap();
}
