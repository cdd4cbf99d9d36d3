//! A pooler between the clients and the server.

use prismq_cluster::{Cluster, Pooler};

use super::fleet::{SOME, disturbed};

/// Fewer than the clients have connections.
const SESSIONS: u32 = 4;
/// Ends the sessions that the pooler has.
const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'prismq'";

/// Failure mode: pooler: its sessions are ended, and the server behind it is killed | as without it; claims are not undone either
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
