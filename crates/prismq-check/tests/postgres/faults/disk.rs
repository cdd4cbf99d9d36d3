//! A disk without room.

use prismq_cluster::Cluster;

use super::fleet::{disturbed, wait_for};

/// The size of the disk in mebibytes: of a new queue's tables, less than one.
const SIZE: u32 = 16;
/// Something else that takes room: about a fourth of a mebibyte.
const FILL: &str =
    "INSERT INTO ballast SELECT repeat(md5(n::text), 200) FROM generate_series(1, 40) n";

/// Failure mode: server: its disk is full | `Full`, nothing of the operation is kept, and the queue goes on once there is room
pub(crate) fn a_full_disk_is_answered_full_until_there_is_room(seed: u64) {
    let mut cluster = Cluster::start_with_disk(SIZE).unwrap();
    let space = format!("CREATE TABLESPACE small LOCATION '{}'", cluster.disk().display());
    let role = "ALTER ROLE postgres SET default_tablespace = small";
    cluster.sql("postgres", &[&space, role]).unwrap();
    let table = "CREATE TABLE ballast (text text)";
    // Uncompressed, and in the table's own file.
    let plain = "ALTER TABLE ballast ALTER COLUMN text SET STORAGE PLAIN";
    cluster.sql("postgres", &[table, plain]).unwrap();
    let url = cluster.url("postgres");
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        while cluster.sql("postgres", &[FILL]).is_ok() {}
        wait_for("the disk is full", || {
            // What vacuum frees is taken too.
            _ = cluster.sql("postgres", &[FILL]);
            fleet.full() > 10
        });
        cluster.sql("postgres", &["DROP TABLE ballast"]).unwrap();
    });
}
