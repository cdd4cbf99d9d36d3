//! A server that ends and comes back.

use prismq_cluster::Cluster;

use super::fleet::{SOME, disturbed};

/// Failure mode: server: restarted at once | calls wait for it; nothing acknowledged is lost, no task is done twice
pub(crate) fn restarts_at_once_lose_nothing(seed: u64) {
    let mut cluster = Cluster::start(&[]).unwrap();
    let url = cluster.url("postgres");
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        for _ in 0..3 {
            cluster.restart().unwrap();
            fleet.crashed();
            fleet.completes(SOME);
        }
    });
}

/// Failure mode: server: killed by SIGKILL, the whole of it or one process | as after a restart; no token is given twice
pub(crate) fn a_server_that_is_killed_loses_nothing(seed: u64) {
    let mut cluster = Cluster::start(&[]).unwrap();
    let url = cluster.url("postgres");
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        for _ in 0..2 {
            cluster.kill_all();
            cluster.resume().unwrap();
            fleet.crashed();
            fleet.completes(SOME);
        }
    });
}

/// Failure mode: server: killed by SIGKILL, the whole of it or one process
pub(crate) fn a_crash_of_one_of_its_processes_loses_nothing(seed: u64) {
    let mut cluster = Cluster::start(&[]).unwrap();
    let url = cluster.url("postgres");
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        for _ in 0..2 {
            let client = "SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'prismq'";
            let process = cluster.sql("postgres", &[client]).unwrap();
            cluster.kill(process.parse().unwrap()).unwrap();
            cluster.wait().unwrap();
            fleet.crashed();
            fleet.completes(SOME);
        }
    });
}
