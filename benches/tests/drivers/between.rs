//! A fake between the harness and a toy that keeps its word: it alters requests and answers on their way, and so breaks
//! rules that the SDK keeps by itself.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::process::{self, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use prismq_driver::lane::HEADER_BYTES;
use serde_json::{Value, json};

use crate::DRIVER;
use crate::toy::Fault;

/// Longer than a record may be under way, and shorter than the harness waits for the next.
const HELD_BACK: Duration = Duration::from_millis(1_500);
const POLL: Duration = Duration::from_millis(20);
const SECOND_NS: u64 = 1_000_000_000;

/// What it alters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alteration {
    /// The greeting lacks a field.
    Greeting,
    /// Open loads begin earlier.
    Early,
    /// Open loads begin later.
    Late,
    /// One more task was enqueued.
    Count,
    /// The driver is given a larger number of records than a lane takes.
    Room,
    /// Each task of a batch has a call of its own.
    Batch,
    /// Records of workers arrive later.
    Records,
}

impl Alteration {
    pub(crate) const ALL: [Self; 7] = [
        Self::Greeting,
        Self::Early,
        Self::Late,
        Self::Count,
        Self::Room,
        Self::Batch,
        Self::Records,
    ];

    pub(crate) fn name(self) -> String {
        format!("altered {self:?}")
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alteration| alteration.name() == name)
    }

    fn request(self, request: &mut Value) {
        match (request["do"].as_str(), self) {
            (Some("enqueue"), Self::Early | Self::Late) if request["model"] == "open" => {
                let t0_ns = request["t0_ns"].as_u64().unwrap();
                request["t0_ns"] = json!(match self {
                    Self::Early => t0_ns - SECOND_NS,
                    _ => t0_ns + SECOND_NS / 5,
                });
            }
            (Some("enqueue"), Self::Room) => request["lane_records"] = json!(1 << 20),
            (Some("enqueue"), Self::Batch) => request["batch"] = json!(1),
            (Some("start"), Self::Records) => {
                let lanes = request["lanes"].as_array_mut().unwrap();
                lanes.iter_mut().for_each(|lane| *lane = json!(held_back(lane.as_str().unwrap())));
            }
            _ => {}
        }
    }

    fn answer(self, answer: &mut Value) {
        let Some(ok) = answer.get_mut("ok").and_then(Value::as_object_mut) else { return };
        match self {
            Self::Greeting => drop(ok.remove("redelivery")),
            Self::Count if ok.contains_key("errors") && ok.contains_key("count") => {
                let count = ok["count"].as_u64().unwrap();
                ok.insert("count".to_owned(), json!(count + 1));
            }
            _ => {}
        }
    }
}

/// Runs a toy, and passes its talk on with this altered.
pub(crate) fn drive(alteration: Alteration) -> ExitCode {
    let mut toy = Command::new(env::current_exe().unwrap())
        .env(DRIVER, Fault::None.name())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_toy = toy.stdin.take().unwrap();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let mut request = serde_json::from_str(&line.unwrap()).unwrap();
            alteration.request(&mut request);
            writeln!(to_toy, "{request}").unwrap();
        }
    });
    for line in BufReader::new(toy.stdout.take().unwrap()).lines() {
        let mut answer = serde_json::from_str(&line.unwrap()).unwrap();
        alteration.answer(&mut answer);
        println!("{answer}");
        io::stdout().flush().unwrap();
    }
    let code = toy.wait().unwrap().code();
    ExitCode::from(u8::try_from(code.unwrap()).unwrap())
}

/// A file instead of this lane, without a name, whose records are appended to it later.
fn held_back(lane: &str) -> String {
    let (mut header, mut own) = ([0; HEADER_BYTES], tempfile::tempfile().unwrap());
    File::open(lane).unwrap().read_exact(&mut header).unwrap();
    own.write_all(&header).unwrap();
    let mut lane = OpenOptions::new().append(true).open(lane).unwrap();
    let path = format!("/proc/{}/fd/{}", process::id(), own.as_raw_fd());
    let written = path.clone();
    thread::spawn(move || {
        let _open = own;
        let mut passed_on = HEADER_BYTES;
        // How much was seen when.
        let mut seen = Vec::new();
        loop {
            let written = fs::read(&written).unwrap();
            seen.push((Instant::now(), written.len()));
            let due = seen.iter().filter(|(at, _)| at.elapsed() >= HELD_BACK);
            let until = due.map(|(_, length)| *length).max().unwrap_or(passed_on);
            lane.write_all(&written[passed_on..until]).unwrap();
            passed_on = until;
            thread::sleep(POLL);
        }
    });
    path
}
