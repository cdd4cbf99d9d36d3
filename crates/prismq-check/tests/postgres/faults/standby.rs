//! A primary with a standby that confirms its commits.

use std::thread;
use std::time::Duration;

use prismq::{Claim, Error, NewTask, State};
use prismq_cluster::Cluster;

use super::fleet::{DEADLINE, disturbed, wait_for};
use super::sessions::END_NOW;

/// A primary whose commits wait for its standby.
fn pair() -> (Cluster, Cluster) {
    let primary = Cluster::start(&[]).unwrap();
    let standby = primary.standby().unwrap();
    let set = "ALTER SYSTEM SET synchronous_standby_names = 'standby'";
    primary.sql("postgres", &[set, "SELECT pg_reload_conf()"]).unwrap();
    let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    wait_for("the standby confirms", || primary.sql("postgres", &[state]).unwrap() == "1");
    (primary, standby)
}

fn waits_for_standby(primary: &Cluster) -> bool {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    primary.sql("postgres", &[waiting]).unwrap() != "0"
}

/// Failure mode: server: fails, and its synchronous standby is promoted | clients with both hosts in the URL go on there; nothing acknowledged is lost, no task is done twice
pub(crate) fn a_standby_that_is_promoted_goes_on_where_the_primary_ended(seed: u64) {
    let (mut primary, mut standby) = pair();
    let url = primary.url_with(&standby, "postgres");
    disturbed(seed, &url, &mut standby, |fleet, standby| {
        primary.kill_all();
        standby.sql("postgres", &["SELECT pg_promote()"]).unwrap();
        fleet.crashed();
    });
}

/// Failure mode: server: fails, and its asynchronous standby is promoted | what it had not received is lost, as documented; leases of lost claims are refused
pub(crate) fn an_asynchronous_standby_loses_the_end_and_accepts_no_lease_of_it(_seed: u64) {
    let mut primary = Cluster::start(&[]).unwrap();
    let standby = primary.standby().unwrap();
    let url = primary.url_with(&standby, "postgres");
    let queue = prismq::postgres::builder(&url).unwrap().busy_wait(DEADLINE).open().unwrap();
    let enqueue = || queue.enqueue(NewTask::new("job", [])).unwrap().id();
    let hour = Duration::from_secs(3600);
    let claim = || {
        let mut claimed = None;
        // On a session that has ended it fails.
        wait_for("a claim", || {
            claimed =
                queue.claim(&Claim::new(["job"]).lease(hour)).ok().and_then(|mut it| it.pop());
            claimed.is_some()
        });
        claimed.unwrap()
    };
    let replicated = |condition: &str| {
        let count = format!("SELECT count(*) FROM pg_stat_replication WHERE {condition}");
        primary.sql("postgres", &[&count]).unwrap()
    };

    let (_, waiting) = (enqueue(), enqueue());
    let held = claim();
    let has_all = "replay_lsn >= pg_current_wal_insert_lsn()";
    wait_for("the standby has received all", || replicated(has_all) == "1");
    let cut = ["ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"];
    standby.sql("postgres", &cut).unwrap();
    wait_for("the standby receives nothing", || replicated("true") == "0");
    let lost_task = enqueue();
    queue.complete(&held).unwrap();
    // A session that it has not seen, whose epoch comes again.
    primary.sql("postgres", &["UPDATE prismq.meta SET epoch = epoch + 100000", END_NOW]).unwrap();
    let lost_claim = claim();
    assert_eq!(lost_claim.id(), waiting);
    let epoch = "SELECT epoch - 1 FROM prismq.meta";
    let epoch = primary.sql("postgres", &[epoch, END_NOW]).unwrap();
    let epoch = epoch.lines().next().unwrap();
    primary.kill_all();
    let again = format!("UPDATE prismq.meta SET epoch = {epoch}");
    standby.sql("postgres", &["SELECT pg_promote()", &again]).unwrap();

    assert!(queue.task(lost_task).unwrap().is_none());
    let state = |id| queue.task(id).unwrap().unwrap().state;
    assert_eq!((state(held.id()), state(waiting)), (State::Leased, State::Ready));
    // First of all, so that its session takes that epoch.
    let again = claim();
    assert_eq!(again.id(), waiting);
    assert_eq!(again.token() >> 30, lost_claim.token() >> 30, "the epoch comes again");
    assert_ne!(again.token(), lost_claim.token());
    let refused = queue.complete(&lost_claim).unwrap_err();
    assert!(refused.is_lease_lost(), "{refused:?}");
    queue.complete(&again).unwrap();
    // Its completion was lost, and not its claim.
    queue.complete(&held).unwrap();
}

/// Failure mode: server: its synchronous standby is away | commits wait for it; what waits when the session ends is `CommitUnknown`
pub(crate) fn commits_wait_for_a_synchronous_standby_that_is_away(seed: u64) {
    let (mut primary, mut standby) = pair();
    let url = primary.url("postgres");
    disturbed(seed, &url, &mut primary, |_, primary| {
        standby.stop();
        wait_for("a commit waits", || waits_for_standby(primary));
        standby.resume().unwrap();
    });
}

/// Failure mode: server: its synchronous standby is away
pub(crate) fn a_commit_that_no_standby_confirms_is_unknown(_seed: u64) {
    let (primary, mut standby) = pair();
    let wait = Duration::from_millis(200);
    let builder = prismq::postgres::builder(&primary.url("postgres")).unwrap().busy_wait(wait);
    let queue = builder.open().unwrap();
    queue.enqueue(NewTask::new("job", [])).unwrap();
    standby.stop();
    thread::scope(|scope| {
        let enqueued = scope.spawn(|| queue.enqueue(NewTask::new("job", [])).map(drop));
        wait_for("the commit waits", || waits_for_standby(&primary));
        // It has committed on the primary: asking that alone would not do.
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        primary.sql("postgres", &[end]).unwrap();
        let error = enqueued.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
    });
}
