//! A small queue whose tasks are lines of a file, and the ways in which it breaks its word.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prismq_driver::message::{
    About, Can, Census, Choice, Class, Durability, Ending, Library as Name, Open, Opened, Process,
    Redelivery, RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task};
use prismq_driver::{VERSION, clock};

/// One task in so many is treated wrongly.
const ONE_IN: u64 = 10;

/// Longer than a slowed sync takes.
const PRETENDED: Duration = Duration::from_millis(60);

/// How it breaks its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not at all.
    None,
    /// It forgets some tasks.
    Drops,
    /// It runs some tasks twice.
    Doubles,
    /// It answers before a task is in the file.
    AnswersEarly,
    /// It does not sync, and claims to.
    Unsynced,
    /// It syncs now and then, claims to do so each time, and lets each call take as long.
    Pretends,
    /// It stamps settlements before the run.
    StampsWrongly,
    /// It never answers `open`.
    Hangs,
    /// It sends more log lines than anyone can want.
    Floods,
    /// It prints for people.
    Chatters,
    /// It starts a process and leaves it behind.
    LeavesChild,
    /// It changes payloads.
    Alters,
    /// It runs again what was done, after it was opened again.
    Forgets,
    /// It gives up tasks whose worker died, and declares the opposite.
    GivesUp,
    /// It goes on after a stop.
    GoesOn,
    /// It counts no tasks.
    Miscounts,
    /// It keeps its word, with a process of its store that it needs.
    Serves,
    /// It acknowledges what it cannot keep, as that process is gone.
    OutlivesStore,
    /// Its workers look for tasks without a pause.
    Spins,
    /// It keeps its word, and runs again what fails.
    Retries,
    /// It completes what fails, and runs it again.
    CompletesFailures,
}

impl Fault {
    pub(crate) const ALL: [Self; 21] = [
        Self::None,
        Self::Drops,
        Self::Doubles,
        Self::AnswersEarly,
        Self::Unsynced,
        Self::Pretends,
        Self::StampsWrongly,
        Self::Hangs,
        Self::Floods,
        Self::Chatters,
        Self::LeavesChild,
        Self::Alters,
        Self::Forgets,
        Self::GivesUp,
        Self::GoesOn,
        Self::Miscounts,
        Self::Serves,
        Self::OutlivesStore,
        Self::Spins,
        Self::Retries,
        Self::CompletesFailures,
    ];

    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|fault| fault.name() == name).unwrap()
    }
}

pub(crate) struct Toy {
    pub(crate) fault: Fault,
}

impl Library for Toy {
    fn about(&self) -> About {
        About {
            v: VERSION,
            driver: "toy 1".to_owned(),
            library: Name { name: "toy".into(), version: "1".into(), licence: "MIT".into() },
            runtime: "Rust".to_owned(),
            store: Store { name: "file".into(), version: "1".into() },
            settle: Settle::Call,
            redelivery: Redelivery { kind: RedeliveryKind::Restart, within_ms: 0 },
            can: match self.fault {
                Fault::Retries | Fault::CompletesFailures => {
                    vec![Can::Batch, Can::Census, Can::Retry]
                }
                _ => vec![Can::Batch, Can::Census],
            },
            durability: Durability { default: Class::Process, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        match self.fault {
            Fault::Hangs => loop {
                thread::park();
            },
            Fault::LeavesChild => {
                let mut sleep = Command::new("sleep");
                drop(sleep.arg("1000").process_group(0).env_clear().spawn()?);
            }
            _ => {}
        }
        let store = match self.fault {
            Fault::Serves | Fault::OutlivesStore => {
                // It ends with the driver, whose end closes its input.
                Some(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?)
            }
            _ => None,
        };
        let pids = store.iter().map(|store| Process { pid: store.id(), role: "server".to_owned() });
        let pids = pids.collect();
        let path = Path::new(&open.dir).join("tasks");
        let mut ready = BTreeSet::new();
        for line in fs::read_to_string(&path).unwrap_or_default().lines() {
            let (what, payload) = line.split_at(1);
            match what {
                "E" => drop(ready.insert(payload.to_owned())),
                "D" if self.fault == Fault::Forgets => {}
                "B" if self.fault != Fault::GivesUp => {}
                _ => drop(ready.remove(payload)),
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let syncs = open.durability == Choice::Strictest && self.fault != Fault::Unsynced;
        let queue = Tasks {
            store: Mutex::new(store),
            file: Mutex::new(file),
            syncs,
            fault: self.fault,
            count: AtomicU64::new(0),
            ready: Mutex::new(ready.into_iter().collect()),
            running: AtomicU64::new(0),
            arrived: Condvar::new(),
        };
        let opened = Opened {
            settings: [("syncs".to_owned(), syncs.to_string())].into(),
            paths: vec![path.display().to_string()],
            pids,
        };
        Ok((Arc::new(Shared(Arc::new(queue))), opened))
    }
}

struct Tasks {
    store: Mutex<Option<Child>>,
    file: Mutex<File>,
    syncs: bool,
    fault: Fault,
    count: AtomicU64,
    ready: Mutex<VecDeque<String>>,
    running: AtomicU64,
    arrived: Condvar,
}

struct Shared(Arc<Tasks>);

impl Drop for Tasks {
    fn drop(&mut self) {
        if let Some(store) = self.store.lock().unwrap().as_mut() {
            store.kill().unwrap();
            store.wait().unwrap();
        }
    }
}

impl Tasks {
    /// Whether the process of its store is there, or it needs none.
    fn has_store(&self) -> Result<bool, Refused> {
        let mut store = self.store.lock().unwrap();
        store.as_mut().map_or(Ok(true), |store| Ok(store.try_wait()?.is_none()))
    }

    fn write(&self, what: char, payloads: &[&str]) -> Result<(), Refused> {
        if !self.has_store()? {
            return match self.fault {
                Fault::OutlivesStore => Ok(()),
                _ => Err(Refused::failed("the process of the store is gone")),
            };
        }
        let lines: String = payloads.iter().map(|payload| format!("{what}{payload}\n")).collect();
        let mut file = self.file.lock().unwrap();
        file.write_all(lines.as_bytes())?;
        let pretends = self.fault == Fault::Pretends;
        if self.syncs && (!pretends || self.errs(Fault::Pretends)) {
            file.sync_data()?;
        } else if self.syncs {
            thread::sleep(PRETENDED);
        }
        Ok(())
    }

    /// Whether this call is one of those that are treated wrongly.
    fn errs(&self, fault: Fault) -> bool {
        self.fault == fault && self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_IN)
    }

    fn next(&self, stop: &AtomicBool) -> Option<String> {
        let mut ready = self.ready.lock().unwrap();
        loop {
            if stop.load(Ordering::Relaxed) && self.fault != Fault::GoesOn {
                return None;
            }
            if let Some(payload) = ready.pop_front() {
                self.running.fetch_add(1, Ordering::Relaxed);
                return Some(payload);
            }
            let pause = Duration::from_millis(if self.fault == Fault::Spins { 0 } else { 20 });
            ready = self.arrived.wait_timeout(ready, pause).unwrap().0;
        }
    }

    fn work(&self, handler: &Handler, stop: &AtomicBool) -> Result<(), Refused> {
        while let Some(payload) = self.next(stop) {
            match self.fault {
                Fault::Floods => {
                    for _ in 0..2_000 {
                        println!("{{\"log\":{{\"text\":\"working\"}}}}");
                    }
                }
                Fault::Chatters => println!("working on {payload}"),
                Fault::GivesUp => self.write('B', &[&payload])?,
                _ => {}
            }
            let given = match self.fault {
                Fault::Alters => payload.replace('x', "y"),
                _ => payload.clone(),
            };
            for attempt in 1.. {
                if !self.attempt(handler, &payload, &given, attempt)? {
                    break;
                }
            }
            self.running.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Runs a task whose handler is given this payload; whether it is to run again.
    fn attempt(
        &self,
        handler: &Handler,
        payload: &str,
        given: &str,
        attempt: u16,
    ) -> Result<bool, Refused> {
        let done = handler.handle(given.as_bytes(), attempt)?;
        let called = clock::now();
        let ending = match done.fails() && self.fault != Fault::CompletesFailures {
            true => Ending::Retried,
            false => Ending::Completed,
        };
        if !done.fails() {
            self.write('D', &[payload])?;
        }
        let wrong = self.fault == Fault::StampsWrongly;
        let early = Duration::from_secs(1).as_nanos() as u64;
        done.settled(if wrong { called - early } else { called }, ending);
        Ok(done.fails())
    }
}

impl Queue for Shared {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        let queue = &self.0;
        let payloads: Vec<&str> = tasks.iter().map(|task| task.payload.as_str()).collect();
        if queue.fault != Fault::AnswersEarly {
            queue.write('E', &payloads)?;
        }
        let mut ready = queue.ready.lock().unwrap();
        for payload in payloads {
            if queue.errs(Fault::Drops) {
                continue;
            }
            if queue.errs(Fault::Doubles) {
                ready.push_back(payload.to_owned());
            }
            ready.push_back(payload.to_owned());
        }
        drop(ready);
        queue.arrived.notify_all();
        Ok(())
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..workers).map(|_| {
            let (queue, handler, stop) = (self.0.clone(), handler.clone(), stop.clone());
            thread::spawn(move || queue.work(&handler, &stop).err().map(|e| e.reason().to_owned()))
        });
        Ok(Box::new(Workers { threads: threads.collect(), stop, fault: self.0.fault }))
    }

    fn census(&self) -> Result<Census, Refused> {
        let ready = self.0.ready.lock().unwrap().len() as u64;
        let ready = if self.0.fault == Fault::Miscounts { 0 } else { ready };
        let running = self.0.running.load(Ordering::Relaxed);
        Ok(Census { ready: Some(ready), running: Some(running), ..Census::default() })
    }
}

struct Workers {
    threads: Vec<JoinHandle<Option<String>>>,
    stop: Arc<AtomicBool>,
    fault: Fault,
}

impl Pool for Workers {
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let is_left = self.fault == Fault::GoesOn || bound.is_zero();
        let threads = self.threads.into_iter().filter(|thread| !is_left || thread.is_finished());
        threads.filter_map(|thread| thread.join().unwrap()).collect()
    }
}
