//! The times of cron expressions.
//!
//! Failure mode: input: a cron expression that cannot be read or never comes, an unknown time zone | a typed error that says what and why; no schedule is kept

use prismq::{Error, NewTask, Schedule, Timestamp};
use proptest::prelude::*;

fn time(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::cron("test", expression, NewTask::new("job", [])).time_zone(zone)
}

/// The next times of an expression, as the clocks of its zone show them.
fn next(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let next = schedule(expression, zone).next_after(time(from), count).unwrap();
    let zone = jiff::tz::TimeZone::get(zone).unwrap();
    let shown = |time: &Timestamp| {
        let zoned = jiff::Timestamp::try_from(*time).unwrap().to_zoned_datetime(zone.clone());
        zoned.strftime("%d %H:%M%:z").to_string()
    };
    next.iter().map(shown).collect()
}

#[test]
fn a_time_that_does_not_exist_runs_at_the_first_moment_after_the_gap() {
    let berlin = next("30 2 * * *", "Europe/Berlin", "2026-03-27T22:00:00Z", 3);
    assert_eq!(berlin, ["28 02:30+01:00", "29 03:00+02:00", "30 02:30+02:00"]);
    let new_york = next("30 2 * * *", "America/New_York", "2026-03-07T00:00:00Z", 3);
    assert_eq!(new_york, ["07 02:30-05:00", "08 03:00-04:00", "09 02:30-04:00"]);
    let lord_howe = next("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2);
    assert_eq!(lord_howe, ["04 02:30+11:00", "05 02:15+11:00"], "its gap is half an hour");
    let list = next("10,50 1,2,14 * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 3);
    assert_eq!(
        list,
        ["29 01:50+01:00", "29 03:00+02:00", "29 14:10+02:00"],
        "two times, one moment"
    );
}

#[test]
fn a_time_that_exists_twice_runs_once() {
    let berlin = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(berlin, ["25 02:30+02:00", "26 02:30+01:00"]);
    let new_york = next("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2);
    assert_eq!(new_york, ["01 01:30-04:00", "02 01:30-05:00"]);
    let lord_howe = next("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2);
    assert_eq!(lord_howe, ["05 01:45+11:00", "06 01:45+10:30"]);
    let list = next("0,30 2,3 * * *", "Europe/Berlin", "2026-10-25T00:10:00Z", 4);
    assert_eq!(list, ["25 02:30+02:00", "25 03:00+01:00", "25 03:30+01:00", "26 02:00+01:00"]);
}

#[test]
fn an_expression_with_a_star_follows_the_clock_through_both_nights() {
    let spring = next("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3);
    assert_eq!(spring, ["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]);
    let autumn = next("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 6);
    let both = ["25 02:00+02:00", "25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00"];
    assert_eq!(autumn[..4], both);
    assert_eq!(autumn[4..], ["25 03:00+01:00", "25 03:30+01:00"]);
    let spring = next("*/30 * * * *", "America/New_York", "2026-03-08T06:15:00Z", 3);
    assert_eq!(spring, ["08 01:30-05:00", "08 03:00-04:00", "08 03:30-04:00"]);
    let autumn = next("*/30 * * * *", "America/New_York", "2026-11-01T04:45:00Z", 5);
    let both = ["01 01:00-04:00", "01 01:30-04:00", "01 01:00-05:00", "01 01:30-05:00"];
    assert_eq!((&autumn[..4], autumn[4].as_str()), (&both.map(String::from)[..], "01 02:00-05:00"));
    let lord_howe = next("*/20 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", 4);
    assert_eq!(lord_howe, ["05 01:40+11:00", "05 01:40+10:30", "05 02:00+10:30", "05 02:20+10:30"]);
}

#[test]
fn an_hour_with_a_star_in_its_minute_runs_in_both_hours_of_its_name() {
    let autumn = next("*/30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", 5);
    let both = ["25 02:00+02:00", "25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00"];
    assert_eq!((&autumn[..4], autumn[4].as_str()), (&both.map(String::from)[..], "26 02:00+01:00"));
    let spring = next("*/30 2 * * *", "Europe/Berlin", "2026-03-28T22:00:00Z", 1);
    assert_eq!(spring, ["30 02:00+02:00"]);
}

#[test]
fn days_of_the_month_and_of_the_week_are_those_of_the_calendar() {
    let from = "2026-02-27T23:59:59Z";
    assert_eq!(next("0 0 29 2 *", "UTC", from, 1), ["29 00:00+00:00"]);
    assert_eq!(next("0 0 L * *", "UTC", from, 2), ["28 00:00+00:00", "31 00:00+00:00"]);
    assert_eq!(next("0 0 * * FRI#2", "UTC", from, 1), ["13 00:00+00:00"]);
    let either = next("0 0 13 * 5", "UTC", "2026-03-05T00:00:00Z", 3);
    assert_eq!(either, ["06 00:00+00:00", "13 00:00+00:00", "20 00:00+00:00"]);
    assert_eq!(next("@monthly", "UTC", from, 1), ["01 00:00+00:00"]);
    assert_eq!(next("0 0 * * *", "Asia/Kolkata", from, 1), ["01 00:00+05:30"]);
}

#[test]
fn a_slot_is_not_its_own_next_one() {
    let slots = next("0 * * * *", "UTC", "2026-01-01T00:00:00Z", 2);
    assert_eq!(slots, ["01 01:00+00:00", "01 02:00+00:00"]);
    let slots = next("0 * * * *", "UTC", "2025-12-31T23:59:59.999999Z", 1);
    assert_eq!(slots, ["01 00:00+00:00"]);
}

#[track_caller]
fn assert_refused(expression: &str, zone: &str, what: &str, words: &str) {
    let refused = schedule(expression, zone).next_after(time("2026-01-01T00:00:00Z"), 1);
    let error = refused.unwrap_err();
    let Error::InvalidInput { what: refused, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*refused, what);
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn an_expression_that_cannot_be_is_refused_with_the_reason() {
    let cron = "cron expression";
    assert_refused("0 0 30 2 *", "UTC", cron, "never comes");
    assert_refused("0 0 2 * * *", "UTC", cron, "has 6 fields, must have five");
    assert_refused("0 0", "UTC", cron, "has 2 fields");
    assert_refused("", "UTC", cron, "has 0 fields");
    assert_refused("61 * * * *", "UTC", cron, "61");
    assert_refused("a b c d e", "UTC", cron, "a b c d e");
    assert_refused("@sometimes", "UTC", cron, "@sometimes");
    assert_refused(&format!("{} * * * *", "1,".repeat(200)), "UTC", cron, "at most 256");
    assert_refused("0 0 * * *", "Mars/Olympus", "time zone", "\"Mars/Olympus\" is not known");
    assert_refused("0 0 * * *", "", "time zone", "is not known");
}

#[test]
fn a_time_beyond_the_calendar_has_no_next_slot() {
    for micros in [i64::MIN, i64::MAX, 253_402_207_200_000_000] {
        let next =
            schedule("0 0 * * *", "Europe/Berlin").next_after(Timestamp::from_micros(micros), 3);
        assert_eq!(next.unwrap(), [], "{micros}");
    }
}

proptest! {
    #[test]
    fn no_text_is_read_with_a_panic(expression in "\\PC{0,40}", zone in "\\PC{0,20}") {
        _ = schedule(&expression, &zone).next_after(Timestamp::default(), 3);
    }

    #[test]
    fn what_looks_like_an_expression_is_read_or_refused(
        fields in proptest::collection::vec("[0-9*/,LW#-]{1,5}", 5),
        from in -60_000_000_000_000_000_i64..250_000_000_000_000_000,
    ) {
        let from = Timestamp::from_micros(from);
        if let Ok(next) = schedule(&fields.join(" "), "Europe/Berlin").next_after(from, 5) {
            prop_assert!(next.iter().all(|time| *time > from));
            prop_assert!(next.is_sorted_by(|earlier, later| earlier < later), "{next:?}");
        }
    }

    /// The slots after any moment are those of the whole sequence that are later.
    #[test]
    fn the_next_slot_does_not_depend_on_where_the_search_begins(
        expression in prop::sample::select(vec!["30 2 * * *", "*/30 * * * *", "*/20 2 * * *", "0,30 1,2,3 * * *"]),
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
        minutes in 0_i64..366 * 24 * 60,
        later in 0_i64..3 * 24 * 60,
    ) {
        let schedule = schedule(expression, zone);
        let start = time("2026-01-01T00:00:00Z").as_micros() + minutes * 60_000_000;
        let middle = Timestamp::from_micros(start + later * 60_000_000);
        let all = schedule.next_after(Timestamp::from_micros(start), 200).unwrap();
        let from_middle = schedule.next_after(middle, 20).unwrap();
        let expected: Vec<_> = all.into_iter().filter(|slot| *slot > middle).collect();
        let common = expected.len().min(from_middle.len());
        prop_assert_eq!(&expected[..common], &from_middle[..common]);
    }
}
