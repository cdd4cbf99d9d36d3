//! A pooler between the clients and the server.

use prismq_cluster::{Cluster, Pooler};

use super::fleet::{SOME, disturbed};
use super::sessions::END;

/// Fewer than the clients have connections.
const SESSIONS: u32 = 4;

/// Failure mode: pooler: its sessions are ended, and the server behind it is killed | connected anew by the pooler; nothing acknowledged is lost, claims neither; no task is done twice
pub(crate) fn a_server_that_fails_behind_a_pooler_loses_nothing(seed: u64) {
    let mut cluster = Cluster::start(&[]).unwrap();
    let pooler = Pooler::start(&cluster, SESSIONS).unwrap();
    let url = format!("{}&pooler=transaction", pooler.url("postgres"));
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        for _ in 0..5 {
            cluster.sql("postgres", &[END]).unwrap();
            fleet.completes(SOME / 5);
        }
        for _ in 0..2 {
            cluster.kill_all();
            cluster.resume().unwrap();
            fleet.completes(SOME);
        }
    });
}
