//! Certificates: who is trusted, and for which host.

use prismq::{Error, Queue};
use prismq_cluster::Cluster;

use crate::support::{queue, task, wait_for};

pub(crate) fn a_certificate_of_a_named_authority_is_accepted() {
    let cluster = Cluster::start_with_tls().unwrap();
    let (port, authority) = (cluster.port(), cluster.authority());
    let url = format!("postgres://postgres@localhost:{port}/postgres");
    let verified = format!("{url}?sslmode=verify-full&sslrootcert={}", authority.display());
    queue(&verified).enqueue(task()).unwrap();
    queue(&format!("{url}?sslmode=require")).enqueue(task()).unwrap();
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_ssl WHERE ssl";
    let is_encrypted = || cluster.sql("postgres", &[encrypted]).unwrap() == "t";
    wait_for("all sessions are closed", || !is_encrypted());
    let _open = queue(&verified);
    assert!(is_encrypted());
}

pub(crate) fn a_certificate_of_another_authority_or_host_is_refused() {
    let cluster = Cluster::start_with_tls().unwrap();
    let another = Cluster::start_with_tls().unwrap();
    let refused = |host: &str, authority: &str| {
        let port = cluster.port();
        let url = format!(
            "postgres://postgres:s3cret@{host}:{port}/postgres?sslmode=verify-full{authority}"
        );
        let error = Queue::connect(&url).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
        let reason = error.to_string();
        assert!(reason.contains("certificate") && !reason.contains("s3cret"), "{reason}");
        reason
    };
    let own = format!("&sslrootcert={}", cluster.authority().display());
    let others = format!("&sslrootcert={}", another.authority().display());
    refused("localhost", &others);
    let reason = refused("127.0.0.1", &own);
    assert!(reason.contains("127.0.0.1"), "{reason}");
}
