//! The time of a file across boots. A clock that restarts at each boot gets an offset, which the first handle after
//! the boot computes from the wall clock and stores in the file; all other handles of this boot use that offset, so
//! that they agree even if the wall clock is set.
//!
//! From one boot to the next, as much time passes as the wall clock advanced since the file's last change. A wall
//! clock that was wrong when the file was created does not matter; if it is behind now, as on a device without a
//! battery, time goes on from the last change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{OptionalExtension as _, Row, params};

use super::Writer;
use crate::model::Result;
use crate::time::{Clock, Moment, OffsetClock, Timestamp, offset};

const STORED_OFFSET: &str = "SELECT clock_offset FROM prismq_meta WHERE boot_id = ?1";
const LAST_CHANGE: &str = "SELECT changed_wall, changed_at FROM prismq_queue WHERE changed_at != 0
     ORDER BY changed_at DESC LIMIT 1";
const STORE_OFFSET: &str = "UPDATE prismq_meta SET boot_id = ?1, clock_offset = ?2";

/// A clock that restarts at each boot, and its offset in the file.
#[derive(Debug)]
pub(crate) struct BootClock {
    clock: Arc<dyn Clock>,
    boot_id: String,
    /// How many microseconds the file's time is ahead of the clock's.
    offset: Arc<AtomicI64>,
}

/// The result of reading the offset of this boot again.
#[derive(Debug)]
pub(crate) struct ReloadedOffset {
    /// Whether it had been stored before.
    pub(crate) was_stored: bool,
    /// By how many microseconds the file's time has moved.
    pub(crate) moved_by: i64,
}

impl Writer {
    /// The clock with its offset in this file.
    pub(crate) fn offset_clock(&mut self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Clock>> {
        let Some(boot_id) = clock.boot_id() else {
            return Ok(clock);
        };
        let offset = match self.stored_offset(&boot_id)? {
            Some(offset) => offset,
            None => self.store_offset(&boot_id, &*clock)?,
        };
        let offset = Arc::new(AtomicI64::new(offset));
        self.boot_clock = Some(BootClock { clock: clock.clone(), boot_id, offset: offset.clone() });
        Ok(Arc::new(OffsetClock::new(clock, offset)))
    }

    /// Whether the file has no offset for this boot.
    pub(crate) fn lacks_clock_offset(&self) -> Result<bool> {
        match &self.boot_clock {
            Some(clock) => self.stored_offset(&clock.boot_id).map(|offset| offset.is_none()),
            None => Ok(false),
        }
    }

    /// Reads the offset of this boot from a restored file, and stores one if it has none; the latter only inside a
    /// transaction.
    pub(crate) fn reload_clock_offset(&self) -> Result<ReloadedOffset> {
        let Some(BootClock { clock, boot_id, offset }) = &self.boot_clock else {
            return Ok(ReloadedOffset { was_stored: true, moved_by: 0 });
        };
        let stored = self.stored_offset(boot_id)?;
        let now = match stored {
            Some(stored) => stored,
            None => self.store_offset_in_transaction(boot_id, self.new_offset(&**clock)?)?,
        };
        let before = offset.swap(now, Ordering::Relaxed);
        Ok(ReloadedOffset { was_stored: stored.is_some(), moved_by: now.saturating_sub(before) })
    }

    fn stored_offset(&self, boot_id: &str) -> Result<Option<i64>> {
        let mut stored = self.prepare(STORED_OFFSET)?;
        let stored = stored.query_row([boot_id], |row| row.get(0)).optional();
        stored.map_err(|error| self.failure(error))
    }

    /// Stores the offset of this boot, unless another handle did meanwhile.
    fn store_offset(&mut self, boot_id: &str, clock: &dyn Clock) -> Result<i64> {
        let offset = self.new_offset(clock)?;
        self.wait_for_disk(false)?;
        self.begin()?;
        let stored = self.store_offset_in_transaction(boot_id, offset);
        let stored = stored.map_err(|error| self.roll_back(error))?;
        self.commit().map(|()| stored)
    }

    fn new_offset(&self, clock: &dyn Clock) -> Result<i64> {
        let wall = offset(clock);
        Ok(match self.last_change()? {
            // The time must not be before that change.
            Some(last) => {
                let since_boot = clock.monotonic().as_micros();
                let least = last.monotonic.as_micros().saturating_sub(since_boot);
                wall.saturating_sub(last.wall_set_by()).max(least)
            }
            None => wall,
        })
    }

    fn last_change(&self) -> Result<Option<Moment>> {
        let moment = |row: &Row<'_>| {
            let (wall, monotonic) = (row.get(0)?, row.get(1)?);
            Ok(Moment {
                wall: Timestamp::from_micros(wall),
                monotonic: Timestamp::from_micros(monotonic),
            })
        };
        let last = self.prepare(LAST_CHANGE)?.query_row([], moment).optional();
        last.map_err(|error| self.failure(error))
    }

    fn store_offset_in_transaction(&self, boot_id: &str, offset: i64) -> Result<i64> {
        self.read_meta()?;
        if let Some(stored) = self.stored_offset(boot_id)? {
            return Ok(stored);
        }
        self.execute(STORE_OFFSET, params![boot_id, offset]).map(|_| offset)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use rusqlite::backup::{Backup, StepResult};

    use super::*;
    use crate::engine::Operation;
    use crate::engine::sqlite::tests::{claimed_by, writer};
    use crate::model::NewTask;
    use crate::time::Signal;

    const YEAR_2026: i64 = 1_767_225_600_000_000;
    const HOUR: Duration = Duration::from_secs(3600);

    /// A machine whose boots, wall clock and time since boot are in the test's hand.
    #[derive(Debug)]
    struct Machine(Mutex<(&'static str, Timestamp, Timestamp)>);

    impl Machine {
        /// Booted just now, with its wall clock at this many microseconds.
        fn booted(boot_id: &'static str, wall: i64) -> Arc<Self> {
            let (wall, since_boot) = (Timestamp::from_micros(wall), Timestamp::default());
            Arc::new(Self(Mutex::new((boot_id, wall, since_boot))))
        }

        fn pass(&self, time: Duration) {
            let mut machine = self.0.lock().unwrap();
            machine.1 = machine.1.after(time);
            machine.2 = machine.2.after(time);
        }

        fn set_wall(&self, wall: i64) {
            self.0.lock().unwrap().1 = Timestamp::from_micros(wall);
        }
    }

    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            self.0.lock().unwrap().1
        }

        fn monotonic(&self) -> Timestamp {
            self.0.lock().unwrap().2
        }

        fn boot_id(&self) -> Option<String> {
            Some(self.0.lock().unwrap().0.to_owned())
        }

        fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
            Some(due.since(self.monotonic()))
        }

        fn on_jump(&self, _: &Arc<Signal>) {}
    }

    fn enqueue(delay: Duration) -> Operation {
        Operation::Enqueue(vec![NewTask::new("job", []).delay(delay)])
    }

    #[test]
    fn all_handles_of_one_boot_agree_though_the_wall_clock_is_set() {
        let (_folder, mut writer) = writer();
        let machine = Machine::booted("one", 0);
        let first = writer.offset_clock(machine.clone()).unwrap();
        machine.pass(HOUR);
        machine.set_wall(YEAR_2026);
        let second = writer.offset_clock(machine.clone()).unwrap();
        assert_eq!(first.monotonic(), second.monotonic());
        assert_eq!(second.monotonic(), Timestamp::default().after(HOUR));
        let due = second.monotonic().after(HOUR);
        assert_eq!(second.sleep_until(due), Some(HOUR));
    }

    #[test]
    fn time_goes_on_by_the_wall_clock_after_a_reboot() {
        let (_folder, mut writer) = writer();
        let clock = writer.offset_clock(Machine::booted("one", YEAR_2026)).unwrap();
        writer.apply(&*clock, &[enqueue(HOUR)]).unwrap();
        let machine = Machine::booted("two", YEAR_2026 + 3_000_000_000);
        let clock = writer.offset_clock(machine.clone()).unwrap();
        assert_eq!(clock.monotonic(), clock.now(), "the time the machine was off has passed");
        assert!(claimed_by(&mut writer, &*clock).is_none());
        machine.pass(HOUR / 6);
        assert!(claimed_by(&mut writer, &*clock).is_some());
    }

    #[test]
    fn a_wall_clock_corrected_before_a_reboot_moves_no_delay() {
        let (_folder, mut writer) = writer();
        let machine = Machine::booted("one", 0);
        let clock = writer.offset_clock(machine.clone()).unwrap();
        machine.pass(HOUR);
        machine.set_wall(YEAR_2026);
        writer.apply(&*clock, &[enqueue(HOUR)]).unwrap();
        let machine = Machine::booted("two", YEAR_2026 + 3_000_000_000);
        let clock = writer.offset_clock(machine.clone()).unwrap();
        assert!(claimed_by(&mut writer, &*clock).is_none());
        machine.pass(HOUR / 6);
        assert!(claimed_by(&mut writer, &*clock).is_some());
    }

    /// As on a device without a battery for its clock.
    #[test]
    fn time_does_not_go_back_with_the_wall_clock_at_a_reboot() {
        let (_folder, mut writer) = writer();
        let machine = Machine::booted("one", YEAR_2026);
        let clock = writer.offset_clock(machine.clone()).unwrap();
        writer.apply(&*clock, &[enqueue(HOUR), enqueue(Duration::ZERO)]).unwrap();
        let held = claimed_by(&mut writer, &*clock).unwrap();
        machine.pass(HOUR / 2);
        writer.apply(&*clock, &[enqueue(2 * HOUR)]).unwrap();
        let machine = Machine::booted("two", 0);
        machine.pass(Duration::from_secs(5));
        let clock = writer.offset_clock(machine.clone()).unwrap();
        let last = Timestamp::from_micros(YEAR_2026).after(HOUR / 2);
        assert_eq!(clock.monotonic(), last);
        let again = claimed_by(&mut writer, &*clock).unwrap();
        assert_eq!(again.id(), held.id(), "the lease of the boot before has expired");
        machine.pass(HOUR / 2);
        assert!(claimed_by(&mut writer, &*clock).is_some(), "what was delayed is due by its delay");
    }

    /// As `sqlite3 FILE ".restore BACKUP"` does it, while the file is open.
    fn restore(from: &Writer, to: &Writer) {
        let mut into = rusqlite::Connection::open(&to.path).unwrap();
        let backup = Backup::new(&from.connection, &mut into).unwrap();
        assert_eq!(backup.step(-1).unwrap(), StepResult::Done);
    }

    #[test]
    fn time_goes_on_from_a_backup_restored_into_an_open_file() {
        // With an offset for this boot, and without.
        for boot_of_backup in ["one", "zero"] {
            for by_claim in [false, true] {
                let (_folder, mut backup) = writer();
                let at_backup = Machine::booted(boot_of_backup, YEAR_2026);
                let at_backup = backup.offset_clock(at_backup).unwrap();
                backup.apply(&*at_backup, &[enqueue(HOUR)]).unwrap();
                let (_folder, mut writer) = writer();
                let machine = Machine::booted("one", 0);
                let clock = writer.offset_clock(machine.clone()).unwrap();
                writer.apply(&*clock, &[enqueue(Duration::ZERO)]).unwrap();
                machine.set_wall(YEAR_2026);

                restore(&backup, &writer);
                if !by_claim {
                    writer.apply(&*clock, &[enqueue(3 * HOUR)]).unwrap();
                }
                assert!(claimed_by(&mut writer, &*clock).is_none(), "{boot_of_backup}");
                let another = writer.offset_clock(machine.clone()).unwrap();
                assert_eq!(clock.monotonic(), another.monotonic(), "{boot_of_backup}");
                machine.pass(HOUR);
                assert!(claimed_by(&mut writer, &*clock).is_some(), "{boot_of_backup}");
                assert!(claimed_by(&mut writer, &*clock).is_none(), "{boot_of_backup}");
            }
        }
    }

    #[test]
    fn a_clock_that_never_restarts_is_used_unchanged() {
        let (_folder, mut writer) = writer();
        let clock = writer.offset_clock(Arc::new(crate::time::ManualClock::default())).unwrap();
        assert_eq!(clock.monotonic(), Timestamp::default());
        let stored: Option<String> = writer
            .connection
            .query_row("SELECT boot_id FROM prismq_meta", [], |row| row.get(0))
            .unwrap();
        assert_eq!(stored, None);
    }
}
