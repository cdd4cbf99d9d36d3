//! An open queue of a driver, and what every experiment does with one: load, start a crew, enqueue, wait, stop.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use prismq_driver::lane::{Kind, Role};
use prismq_driver::message::{
    About, Ask, Can, Census, Choice, Closed, Enqueue, Enqueued, Load, Loaded, Open, Opened,
    Records, Settle, Start, Started, Stop, Stopped, Work,
};

use super::driver::{Bounds, Driver, Ended};
use super::error::{DriverError, Result};
use super::lanes::Lanes;
use super::launch::Launch;
use super::memory::Memory;
use super::round::Round;

/// Most workers that are started.
const WORKERS_MAX: u32 = 64;
/// How long a failed task waits.
const RETRY_MS: u64 = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(4);
/// More records than tasks, for tasks that are run again.
const SPARE_RECORDS: u64 = 1_000;

/// An open queue. Dropping it kills its driver.
#[derive(Debug)]
pub struct Session {
    driver: Driver,
    about: About,
    opened: Opened,
}

/// A running crew, with its lanes.
#[derive(Debug)]
pub struct Crew {
    name: String,
    lanes: Lanes,
}

impl Session {
    /// Starts a driver and opens a queue in a directory, which an earlier process may have left there.
    ///
    /// # Errors
    /// If the driver does not answer as the protocol has it, in time.
    pub fn open(
        launch: &Launch,
        bounds: Bounds,
        directory: &Path,
        is_fresh: bool,
        durability: Choice,
    ) -> Result<Self> {
        let driver = Driver::start(launch, bounds)?;
        let about = driver.hello()?;
        Self::open_with(driver, about, directory, is_fresh, durability)
    }

    /// The same with a driver that was greeted.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_with(
        driver: Driver,
        about: About,
        directory: &Path,
        is_fresh: bool,
        durability: Choice,
    ) -> Result<Self> {
        let open = Open {
            dir: directory.display().to_string(),
            fresh: is_fresh,
            durability,
            workers_max: WORKERS_MAX,
            retry_ms: RETRY_MS,
            lease_ms: u64::try_from(driver.bounds().lease.as_millis()).unwrap_or(u64::MAX),
        };
        let opened = driver.ask(&Ask::Open(open), driver.bounds().long)?;
        Ok(Self { driver, about, opened })
    }

    /// What the driver said of itself.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// What it said of the open queue.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Its driver.
    #[must_use]
    pub const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Its driver, to be killed.
    pub const fn driver_mut(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Enqueues a backlog, and returns its lane.
    ///
    /// # Errors
    /// The driver's.
    pub fn load(&self, plan: &Memory, from: u64, to: u64, payload_bytes: u32) -> Result<Lanes> {
        let tasks = to.saturating_sub(from);
        let mut lanes = Lanes::new(Role::Caller, 1, tasks + SPARE_RECORDS)?;
        let batch = if self.about.can(Can::Batch) { 100 } else { 1 };
        let load = Load {
            plan: plan.path(),
            from,
            to,
            payload_bytes,
            batch,
            lanes: lanes.paths(),
            lane_records: lanes.capacity(),
        };
        let bound = self.driver.bounds().long
            + Duration::from_millis(10).saturating_mul(u32::try_from(tasks).unwrap_or(u32::MAX));
        self.driver.ask::<Loaded>(&Ask::Load(load), bound)?;
        lanes.poll()?;
        Ok(lanes)
    }

    /// Starts a crew for so many tasks.
    ///
    /// # Errors
    /// The driver's.
    pub fn start(
        &self,
        name: &str,
        workers: u32,
        handler: Work,
        plan: &Memory,
        tasks: u64,
        records: Records,
    ) -> Result<Crew> {
        // Whoever shares its lane writes all: two records for each attempt of a task.
        let lanes = Lanes::new(Role::Worker, workers + 1, 4 * tasks + SPARE_RECORDS)?;
        let start = Start {
            crew: name.to_owned(),
            workers,
            handler,
            plan: plan.path(),
            records,
            lanes: lanes.paths(),
            lane_records: lanes.capacity(),
        };
        self.driver.ask::<Started>(&Ask::Start(start), self.driver.bounds().long)?;
        Ok(Crew { name: name.to_owned(), lanes })
    }

    /// Begins to enqueue: returns the request's id and its lanes.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn begin_enqueue(&self, plan: &Memory, round: &Round) -> Result<(u64, Lanes)> {
        let tasks = round.to.saturating_sub(round.from);
        // One caller may have made all calls, with two records for each task.
        self.begin_enqueue_in(plan, round, 2 * tasks + SPARE_RECORDS)
    }

    /// The same, with lanes for so many records.
    ///
    /// # Errors
    /// As [`Session::begin_enqueue`].
    pub fn begin_enqueue_in(
        &self,
        plan: &Memory,
        round: &Round,
        lane_records: u64,
    ) -> Result<(u64, Lanes)> {
        let lanes = Lanes::new(Role::Caller, round.callers, lane_records)?;
        let enqueue = Enqueue {
            plan: plan.path(),
            from: round.from,
            to: round.to,
            payload_bytes: round.payload_bytes,
            model: round.model,
            t0_ns: round.t0_ns,
            callers: round.callers,
            batch: round.batch,
            records: round.records,
            lanes: lanes.paths(),
            lane_records,
        };
        Ok((self.driver.begin(&Ask::Enqueue(enqueue)), lanes))
    }

    /// Waits for the answer to an enqueue that was begun, and reads its lanes.
    ///
    /// # Errors
    /// The driver's.
    pub fn finish_enqueue(&self, id: u64, lanes: &mut Lanes, budget: Duration) -> Result<Enqueued> {
        let bound = budget + self.driver.bounds().short;
        let until = Instant::now() + bound;
        loop {
            let answer = self.driver.finish_soon(id, "enqueue", LOOK_AGAIN)?;
            lanes.poll()?;
            if let Some(enqueued) = answer {
                return Ok(enqueued);
            }
            if Instant::now() > until {
                return Err(DriverError::Bound { request: "enqueue".to_owned(), bound });
            }
        }
    }

    /// Enqueues and waits for the end.
    ///
    /// # Errors
    /// The driver's.
    pub fn enqueue(
        &self,
        plan: &Memory,
        round: &Round,
        budget: Duration,
    ) -> Result<(Enqueued, Lanes)> {
        let (id, mut lanes) = self.begin_enqueue(plan, round)?;
        let enqueued = self.finish_enqueue(id, &mut lanes, budget)?;
        Ok((enqueued, lanes))
    }

    /// Waits until a crew has run, and settled where that is seen, so many attempts.
    ///
    /// # Errors
    /// [`DriverError::Standstill`] if nothing was written for so long.
    pub fn wait_done(&self, crew: &mut Crew, attempts: u64, patience: Duration) -> Result<()> {
        let settles = self.about.settle != Settle::None;
        let mut moved = Instant::now();
        loop {
            if crew.lanes.poll()? > 0 {
                moved = Instant::now();
            }
            let seen = crew.lanes.count(Kind::Run);
            let seen = if settles { seen.min(crew.lanes.count(Kind::Settled)) } else { seen };
            if seen >= attempts {
                return Ok(());
            }
            if moved.elapsed() > patience {
                let left = attempts - seen;
                return Err(DriverError::Standstill { patience, left, all: attempts });
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits until a crew has written nothing for so long.
    ///
    /// # Errors
    /// What it wrote is no record.
    pub fn wait_still(crew: &mut Crew, patience: Duration) -> Result<()> {
        let mut moved = Instant::now();
        while moved.elapsed() < patience {
            if crew.lanes.poll()? > 0 {
                moved = Instant::now();
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Stops a crew, and returns its lanes with all their records.
    ///
    /// # Errors
    /// The driver's.
    pub fn stop(&self, crew: Crew, bound: Duration) -> Result<(Stopped, Lanes)> {
        let Crew { name, mut lanes } = crew;
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        let stop = Ask::Stop(Stop { crew: name, bound_ms });
        let stopped = self.driver.ask(&stop, bound + self.driver.bounds().short)?;
        lanes.poll()?;
        Ok((stopped, lanes))
    }

    /// Counts the tasks.
    ///
    /// # Errors
    /// The driver's.
    pub fn census(&self) -> Result<Census> {
        self.driver.ask(&Ask::Census, self.driver.bounds().short)
    }

    /// Closes the driver's input, and waits for its end.
    #[must_use]
    pub fn hang_up(self) -> Ended {
        self.driver.hang_up()
    }

    /// Closes the queue and ends the driver.
    ///
    /// # Errors
    /// The driver's.
    pub fn close(self) -> Result<Ended> {
        self.driver.ask::<Closed>(&Ask::Close, self.driver.bounds().long)?;
        self.driver.bye()
    }
}

impl Crew {
    /// Its lanes.
    #[must_use]
    pub const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Its lanes, to be read.
    pub const fn lanes_mut(&mut self) -> &mut Lanes {
        &mut self.lanes
    }
}
