//! Several queues in one pool: strict order, shares, and bounds of each.

use super::*;

/// A task of this queue.
fn of(queue: &str, id: i64) -> Lease {
    Lease { queue: queue.into(), ..lease(id) }
}

fn by_share(name: &str, share: u32) -> ServedQueue {
    ServedQueue { share: Some(share), ..served(name) }
}

fn at_most(name: &str, workers: usize) -> ServedQueue {
    ServedQueue { at_most: Some(workers), ..served(name) }
}

fn pool(workers: usize, queues: impl IntoIterator<Item = ServedQueue>) -> Pool {
    Pool::new(Settings { queues: queues.into_iter().collect(), ..settings(workers) })
}

/// What each queue may give to the next claim, and what is its share of it.
fn asked(pool: &mut Pool) -> Vec<(usize, usize, usize)> {
    let quotas = pool.request().map(|request| request.quotas).unwrap_or_default();
    quotas.iter().map(|quota| (quota.queue, quota.max, quota.share)).collect()
}

/// The names of the queues of the tasks that one worker begins, each quick.
fn begun(pool: &mut Pool, tasks: usize) -> Vec<String> {
    let run = |_| {
        let lease = pool.begin(0);
        let queue = lease.queue().to_owned();
        pool.finish(0, lease, Settle::Complete(None), MS);
        queue
    };
    (0..tasks).map(run).collect()
}

fn short_of_bounded(pool: &mut Pool, leases: Vec<Lease>) {
    let short = ShortClaim { bounded_left: true, ..short_claim(pool.work_signal) };
    let leases = leases.into_iter().map(|lease| (lease, 0)).collect();
    pool.scheduler.accept_claim(leases, Some(short), true, pool.now);
}

#[test]
fn in_strict_order_a_task_begins_only_if_none_is_ready_in_a_queue_before() {
    let mut pool = pool(1, [served("a"), served("b")]);
    assert_eq!(asked(&mut pool), [(0, 1, 1), (1, 1, 1)], "b gives what a leaves");
    pool.claimed([of("b", 1), of("a", 2), of("b", 3), of("a", 4)]);
    assert_eq!(begun(&mut pool, 4), ["a", "a", "b", "b"]);
}

#[test]
fn by_share_as_many_tasks_begin_as_the_shares_say() {
    let mut pool = pool(1, [by_share("a", 3), by_share("b", 1)]);
    pool.claimed((1..=400).flat_map(|id| [of("a", id), of("b", 1000 + id)]));
    let begun = begun(&mut pool, 200);
    let of_a = begun.iter().filter(|queue| *queue == "a").count();
    assert!((149..=151).contains(&of_a), "{of_a} of 200");
    let first: Vec<_> = begun[..8].iter().filter(|queue| *queue == "b").collect();
    assert_eq!(first.len(), 2, "in turns, not in blocks: {begun:?}");
}

#[test]
fn a_queue_that_had_no_tasks_does_not_catch_up() {
    let mut pool = pool(1, [by_share("a", 1), by_share("b", 1)]);
    pool.claimed((1..=200).map(|id| of("a", id)));
    begun(&mut pool, 100);
    pool.claimed((1001..=1100).map(|id| of("b", id)));
    let begun = begun(&mut pool, 20);
    let of_b = begun.iter().filter(|queue| *queue == "b").count();
    assert!((9..=11).contains(&of_b), "{begun:?}");
}

#[test]
fn a_claim_by_share_asks_for_shares_first_and_for_what_others_leave_after_that() {
    let mut pool = pool(8, [by_share("a", 3), by_share("b", 1)]);
    assert_eq!(asked(&mut pool), [(0, 8, 6), (1, 8, 2)]);
    let leases: Vec<_> = (1..=6).map(|id| of("a", id)).collect();
    pool.claimed(leases);
    // What is ready counts: its turn comes before more is to be held of it.
    assert_eq!(asked(&mut pool), [(0, 2, 0), (1, 2, 2)]);
}

/// With slow handlers each claim is of one task.
#[test]
fn shares_hold_where_nothing_is_claimed_ahead() {
    let mut pool = pool(1, [by_share("a", 3), by_share("b", 1)]);
    let mut of_a = 0;
    for id in 1..=40 {
        let quotas = asked(&mut pool);
        let (queue, ..) = quotas.iter().find(|(_, _, share)| *share == 1).copied().unwrap();
        let name = ["a", "b"][queue];
        of_a += usize::from(queue == 0);
        pool.claimed([of(name, id)]);
        let lease = pool.begin(0);
        pool.now += 50 * MS;
        pool.finish(0, lease, Settle::Complete(None), 50 * MS);
        pool.settling_batch();
        pool.claimed([]);
        pool.settled(MS);
    }
    assert!((29..=31).contains(&of_a), "{of_a} of 40");
}

#[test]
fn no_more_workers_are_busy_with_a_queue_than_it_is_bounded_to() {
    let mut pool = pool(4, [at_most("media", 2), served("default")]);
    pool.claimed([of("media", 1), of("media", 2), of("media", 3), of("default", 4)]);
    let ran: Vec<i64> = (0..3).map(|worker| pool.begin(worker).id().as_i64()).collect();
    assert_eq!(ran, [1, 2, 4]);
    assert!(matches!(pool.action(3), WorkerAction::Wait));
    pool.finish(0, of("media", 1), Settle::Complete(None), MS);
    assert_eq!(pool.action(3).task_id(), Some(3));
}

#[test]
fn a_worker_that_a_bound_leaves_free_is_claimed_for_from_other_queues() {
    let mut pool = pool(4, [at_most("media", 1), served("default")]);
    assert_eq!(asked(&mut pool), [(0, 1, 1), (1, 4, 4)]);
    pool.claimed([of("media", 1), of("media", 2)]);
    pool.begin(0);
    let request = pool.request().unwrap();
    assert_eq!((request.begun, request.limited), (3, 3));
    assert_eq!(request.quotas.iter().map(|quota| quota.queue).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_pool_whose_queues_are_all_at_their_bounds_claims_nothing() {
    let mut pool = pool(4, [at_most("media", 1)]);
    pool.claimed([of("media", 1)]);
    pool.begin(0);
    assert_eq!(pool.request(), None);
    assert!(!pool.scheduler.must_wake_leader(pool.now));
}

#[test]
fn tasks_of_a_bounded_queue_that_do_not_begin_in_time_are_released() {
    let mut pool = pool(8, [at_most("media", 1), served("default")]);
    pool.scheduler.handler_times.ended(0, 50 * MS);
    pool.claimed((1..=3).map(|id| of("media", id)));
    pool.begin(0);
    pool.now += PREFETCH_TIME;
    let mut released = Pool::ids(&pool.settling_batch());
    released.sort_unstable();
    assert_eq!(released, [2, 3], "although seven workers are free");
}

#[test]
fn the_idle_state_ends_with_a_task_of_a_queue_at_its_bound() {
    let mut pool = pool(4, [at_most("media", 1), served("default")]);
    short_of_bounded(&mut pool, vec![of("media", 1), of("default", 2)]);
    let (media, default) = (pool.begin(0), pool.begin(1));
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { idle: true, .. }));
    pool.finish(1, default, Settle::Complete(None), MS);
    assert!(pool.scheduler.is_idle(), "of another queue, nothing is left");
    pool.finish(0, media, Settle::Complete(None), MS);
    assert!(!pool.scheduler.is_idle() && pool.batch().claim.is_some());
}

/// Else nobody would claim the tasks left in the queue: the pool would wait for work to be enqueued.
#[test]
fn a_task_that_ends_while_a_claim_leaves_its_queue_ends_the_idle_state_too() {
    let mut pool = pool(4, [at_most("media", 1), served("default")]);
    pool.claimed([of("media", 1)]);
    let media = pool.begin(0);
    assert_eq!(asked(&mut pool), [(1, 3, 3)], "the bound leaves out media");
    pool.finish(0, media, Settle::Complete(None), MS);
    short_of_bounded(&mut pool, Vec::new());
    assert_eq!(asked(&mut pool).first().map(|(queue, ..)| *queue), Some(0));
    short_of_bounded(&mut pool, Vec::new());
    assert!(pool.scheduler.is_idle(), "since that claim none has ended");
}

/// It may be dead then, and nothing else has the pool look for the next.
#[test]
fn a_task_whose_payload_was_not_read_ends_the_idle_state_of_a_bounded_queue() {
    let mut pool = pool(4, [at_most("media", 1), served("default")]);
    let unread = Lease { payload: Payload::unread(), ..of("media", 1) };
    let key = unread.key;
    short_of_bounded(&mut pool, vec![unread]);
    assert!(matches!(pool.action(0), WorkerAction::ReadPayloads(_)));
    assert!(pool.scheduler.is_idle());
    pool.scheduler.end_read(vec![(key, Err(BUSY))], pool.now);
    assert!(!pool.scheduler.is_idle());
}

/// Another task of the queue may begin then.
#[test]
fn a_lease_that_is_lost_before_its_task_began_ends_the_idle_state_of_a_bounded_queue() {
    let mut pool = pool(4, [at_most("media", 1), served("default")]);
    let ready = of("media", 1);
    let key = ready.key;
    short_of_bounded(&mut pool, vec![ready]);
    assert!(pool.scheduler.is_idle());
    assert!(pool.scheduler.lease_lost(key, pool.now).is_some());
    assert!(!pool.scheduler.is_idle());
}

#[test]
fn a_pool_that_left_tasks_of_a_bounded_queue_is_not_empty() {
    let mut pool = pool(1, [at_most("media", 1)]);
    short_of_bounded(&mut pool, Vec::new());
    assert!(!pool.scheduler.is_empty(pool.work_signal));
    pool.becomes_idle(false);
    assert!(pool.scheduler.is_empty(pool.work_signal));
}

#[test]
fn the_task_released_as_too_many_is_the_one_that_would_begin_last() {
    let cases = [
        ([served("a"), served("b")], ["b", "b", "b", "a"]),
        ([by_share("a", 2), by_share("b", 1)], ["b", "b", "a", "b"]),
    ];
    for (queues, expected) in cases {
        let mut pool = pool(1, queues);
        pool.claimed((1..=3).flat_map(|id| [of("b", id), of("a", 10 + id)]));
        let mut last = || {
            let Scheduler { ready, queues, .. } = &mut pool.scheduler;
            ready.take_last(queues, pool.now).map(|task| task.lease.queue().to_owned())
        };
        let released: Vec<String> = (0..4).filter_map(|_| last()).collect();
        assert_eq!(released, expected);
    }
}

#[test]
fn a_pause_releases_the_tasks_of_its_queue_alone() {
    let mut pool = pool(1, [served("a"), served("b")]);
    pool.claimed([of("a", 1), of("b", 2)]);
    pool.scheduler.paused(0, pool.now);
    pool.now += SETTLE_DELAY;
    assert_eq!(Pool::ids(&pool.settling_batch()), [1]);
    assert_eq!(pool.action(0).task_id(), Some(2));
}

#[test]
fn tasks_of_a_claim_sent_before_the_pause_of_their_queue_are_released() {
    let mut pool = pool(2, [served("a"), served("b")]);
    assert!(pool.request().is_some());
    pool.scheduler.paused(1, pool.now);
    pool.claimed([of("a", 1), of("b", 2)]);
    assert_eq!(pool.action(0).task_id(), Some(1));
    assert_eq!(Pool::ids(&pool.settling_batch()), [2]);
}

#[test]
fn an_idle_pool_lets_others_claim_no_more_of_a_queue_than_its_bound() {
    let mut pool = pool(4, [at_most("media", 1), served("default")]);
    pool.becomes_idle(false);
    assert_eq!(pool.scheduler.reserve(0, 0), 1);
    assert_eq!(pool.scheduler.reserve(1, 0), 3);
    pool.scheduler.deliver(4, vec![(of("media", 1), 0)], 0, pool.now);
    pool.begin(0);
    assert_eq!(pool.scheduler.reserve(0, 0), 0);
    let request = pool.scheduler.reserve_idle(pool.now).unwrap();
    assert_eq!(request.quotas.iter().map(|quota| quota.queue).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_busy_pool_lets_others_claim_a_task_of_a_queue_that_comes_before() {
    let mut pool =
        Pool::new(Settings { queues: vec![served("urgent"), served("default")], ..settings(1) });
    pool.scheduler.handler_times.ended(0, MS);
    pool.claimed((1..=4).map(|id| of("default", id)));
    pool.begin(0);
    assert_eq!(pool.scheduler.reserve(0, 1000), 1, "at any priority");
    pool.scheduler.deliver(1, vec![(of("urgent", 9), 0)], 0, pool.now);
    assert_eq!(pool.scheduler.reserve(1, -5), 0, "of a later queue");
    assert_eq!(pool.action(0).task_id(), Some(9));
}

#[test]
fn statistics_are_kept_of_each_queue() {
    let mut pool = pool(2, [served("a"), served("b")]);
    pool.claimed([of("a", 1), of("b", 2), of("b", 3)]);
    pool.begin(0);
    pool.scheduler.count("b", Outcome::Completed);
    let stats = pool.scheduler.stats();
    let of = |queue: usize| {
        let of = &stats.per_queue[queue];
        (&*of.queue, of.ready, of.running, of.completed)
    };
    assert_eq!((of(0), of(1)), (("a", 0, 1, 0), ("b", 2, 0, 1)));
    assert_eq!(stats.completed, 1);
}

#[test]
fn while_payloads_of_one_queue_are_read_workers_begin_tasks_of_another() {
    let mut pool = pool(2, [served("a"), served("b")]);
    let unread = Lease { payload: Payload::unread(), ..of("a", 1) };
    pool.claimed([unread, of("b", 2)]);
    assert!(matches!(pool.action(0), WorkerAction::ReadPayloads(_)));
    assert_eq!(pool.action(1).task_id(), Some(2));
}
