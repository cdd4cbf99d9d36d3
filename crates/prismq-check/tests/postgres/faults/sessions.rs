//! Sessions and transactions that the server ends.

use prismq_cluster::Cluster;

use super::fleet::{SOME, disturbed, wait_for};

/// Ends the sessions of all clients but those that listen, or those that a pooler has for them.
pub(super) const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'prismq'";

/// The same, and waits until they have ended.
pub(super) const END_NOW: &str = "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity WHERE application_name = 'prismq'";

fn started() -> (Cluster, String) {
    let cluster = Cluster::start(&[]).unwrap();
    let url = cluster.url("postgres");
    (cluster, url)
}

/// Failure mode: server: ends sessions | connected anew, what was under way is found out or done again; nothing is lost, no task is done twice
pub(crate) fn sessions_that_are_ended_are_replaced(seed: u64) {
    let (mut cluster, url) = started();
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        for _ in 0..10 {
            cluster.sql("postgres", &[END]).unwrap();
            fleet.completes(SOME / 10);
        }
    });
}

/// Refuses what changes tasks, as a primary does that was demoted under its sessions.
const READ_ONLY: &str = "CREATE FUNCTION public.read_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'cannot change tasks' USING ERRCODE = '25006';
    END $$";

/// Failure mode: server: takes no writes for a while, as it was demoted | connected anew until one takes them, else `Unavailable`; nothing is lost, no task is done twice
pub(crate) fn a_server_that_takes_no_writes_for_a_while_is_waited_for(seed: u64) {
    let (mut cluster, url) = started();
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        let refused = "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'postgres'";
        let refused = || cluster.sql("postgres", &[refused]).unwrap().parse::<u64>().unwrap();
        let trigger = "CREATE TRIGGER read_only BEFORE INSERT OR UPDATE OR DELETE ON prismq.task
                       FOR EACH STATEMENT EXECUTE FUNCTION public.read_only()";
        cluster.sql("postgres", &[READ_ONLY]).unwrap();
        for _ in 0..3 {
            cluster.sql("postgres", &[trigger]).unwrap();
            let before = refused();
            wait_for("transactions are refused", || refused() > before + 10);
            cluster.sql("postgres", &["DROP TRIGGER read_only ON prismq.task"]).unwrap();
            fleet.completes(SOME / 10);
        }
    });
}

/// Keeps all transactions from the tasks for so long.
fn lock(cluster: &Cluster, seconds: &str) {
    let sleep = format!("SELECT pg_sleep({seconds})");
    cluster.sql("postgres", &["BEGIN", "LOCK TABLE prismq.task", &sleep, "COMMIT"]).unwrap();
}

/// Failure mode: server: `statement_timeout`, `lock_timeout` or `idle_in_transaction_session_timeout` | a transient error or another attempt; done once or not at all
pub(crate) fn statements_that_run_into_a_timeout_are_done_once_or_not_at_all(seed: u64) {
    let (mut cluster, url) = started();
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        cluster
            .sql("postgres", &["ALTER ROLE postgres SET statement_timeout = '100ms'", END])
            .unwrap();
        // Of these sessions too, which are new.
        let unbounded = "SET statement_timeout = 0";
        for _ in 0..3 {
            fleet.completes(SOME / 10);
            let table = "LOCK TABLE prismq.task";
            let sleep = "SELECT pg_sleep(0.4)";
            cluster.sql("postgres", &[unbounded, "BEGIN", table, sleep, "COMMIT"]).unwrap();
        }
        let reset = "ALTER ROLE postgres RESET statement_timeout";
        cluster.sql("postgres", &[unbounded, reset, END]).unwrap();
    });
}

/// Failure mode: server: `statement_timeout`, `lock_timeout` or `idle_in_transaction_session_timeout`
pub(crate) fn locks_that_are_held_too_long_are_answered_busy(seed: u64) {
    let (mut cluster, url) = started();
    // Longer than the clients wait.
    disturbed(seed, &url, &mut cluster, |_, cluster| lock(cluster, "2.5"));
}

/// Failure mode: server: `statement_timeout`, `lock_timeout` or `idle_in_transaction_session_timeout`
pub(crate) fn transactions_that_are_ended_while_they_idle_are_repeated(seed: u64) {
    let (mut cluster, url) = started();
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        let shortest = "ALTER ROLE postgres SET idle_in_transaction_session_timeout = '20ms'";
        cluster.sql("postgres", &[shortest, END]).unwrap();
        fleet.completes(SOME);
        let reset = "ALTER ROLE postgres RESET idle_in_transaction_session_timeout";
        cluster.sql("postgres", &[reset, END]).unwrap();
    });
}

/// Raises a conflict in a tenth of the transactions, at their ends.
const CONFLICT: &str = "CREATE FUNCTION public.conflict() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF random() < 0.1 THEN
            RAISE EXCEPTION 'conflict' USING ERRCODE = CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END;
        END IF;
        RETURN NULL;
    END $$";

/// Failure mode: server: deadlock or serialization failure | the transaction is repeated, a few times at most
pub(crate) fn deadlocks_and_conflicts_are_repeated(seed: u64) {
    let (mut cluster, url) = started();
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        let trigger = "CREATE TRIGGER conflict BEFORE INSERT ON prismq.counter_delta
                       FOR EACH STATEMENT EXECUTE FUNCTION public.conflict()";
        cluster.sql("postgres", &[CONFLICT, trigger]).unwrap();
        fleet.completes(SOME);
        cluster.sql("postgres", &["DROP TRIGGER conflict ON prismq.counter_delta"]).unwrap();
    });
}

/// Failure mode: server: no free connection | calls wait for one, then `Unavailable`; who is connected goes on
pub(crate) fn a_role_without_free_connections_waits_for_one(seed: u64) {
    let (mut cluster, url) = started();
    let url = url.replace("user=postgres", "user=app");
    cluster
        .sql("postgres", &["CREATE ROLE app LOGIN", "GRANT CREATE ON DATABASE postgres TO app"])
        .unwrap();
    disturbed(seed, &url, &mut cluster, |fleet, cluster| {
        // Clients of three sessions each would have fifteen.
        cluster.sql("postgres", &["ALTER ROLE app CONNECTION LIMIT 4", END]).unwrap();
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'";
        wait_for("sessions", || cluster.sql("postgres", &[sessions]).unwrap() == "4");
        cluster.sql("postgres", &["ALTER ROLE app CONNECTION LIMIT -1"]).unwrap();
        fleet.completes(SOME);
    });
}
