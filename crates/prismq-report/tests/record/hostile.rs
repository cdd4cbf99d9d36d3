//! Damaged and hostile records are errors and do no harm.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use prismq_record::Histogram;
use prismq_record::files::{FileError, read_any, read_suite};
use prismq_report::validate::validate;
use serde_json::{Value, json};

use crate::support::sample;

fn read(text: &[u8]) -> Result<(), FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.json");
    std::fs::write(&path, text).unwrap();
    read_any(&path).map(drop)
}

#[track_caller]
fn refused(text: &[u8], reason: &str) {
    let error = read(text).unwrap_err().to_string();
    assert!(error.contains("hostile.json") && error.contains(reason), "{error}");
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut record = serde_json::to_value(sample::suite("latency")).unwrap();
    change(&mut record);
    record.to_string()
}

#[test]
fn text_that_is_not_json_is_refused() {
    refused(b"", "EOF");
    refused(b"\xff\xfe\x00", "line 1 column");
    refused(b"null", "invalid type: null");
    refused(format!("{}7", changed(|_| ())).as_bytes(), "trailing characters");
}

#[test]
fn too_deep_json_is_refused() {
    let deep = changed(|record| record["scenarios"][0]["parameters"] = json!({"a": "DEEP"}));
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    refused(deep.replace("\"DEEP\"", &nested).as_bytes(), "recursion limit exceeded");
}

#[test]
#[cfg(unix)]
fn too_large_or_endless_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    // A hole, which takes no room on the disk.
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let error = read_suite(&path).unwrap_err();
    assert!(matches!(error, FileError::TooLarge { .. }), "{error}");
    let endless = read_suite("/dev/zero".as_ref()).unwrap_err();
    assert!(matches!(endless, FileError::TooLarge { .. }), "{endless}");
}

#[test]
fn values_that_are_not_finite_numbers_are_refused() {
    let value = |text: &str| {
        let of = |record: &mut Value| {
            let metric = &mut record["scenarios"][0]["metrics"][0];
            (metric["value"], metric["samples"]) = (json!("VALUE"), json!([]));
        };
        changed(of).replace("\"VALUE\"", text)
    };
    for text in ["NaN", "Infinity", "-inf", "1e999", "\"7\"", "{}"] {
        let error = read(value(text).as_bytes()).unwrap_err();
        assert!(matches!(error, FileError::NotARecord { .. }), "{text}: {error}");
    }
    refused(value("\"7\"").as_bytes(), "at scenarios[0].metrics[0].value: invalid type");
    read(value("1e308").as_bytes()).unwrap();
    let seed = |text: &str| {
        changed(|record| record["scenarios"][0]["seed"] = json!("SEED")).replace("\"SEED\"", text)
    };
    refused(seed("-1").as_bytes(), "at scenarios[0].seed");
    refused(seed("18446744073709551616").as_bytes(), "at scenarios[0].seed");
}

#[test]
fn invalid_times_are_refused() {
    let at = |text: &str| changed(|record| record["started_at"] = text.into());
    refused(at("2026-02-30T00:00:00Z").as_bytes(), "at started_at");
    refused(at("999999-01-01T00:00:00Z").as_bytes(), "at started_at");
    refused(at("yesterday").as_bytes(), "at started_at");
}

#[test]
fn duplicate_names_are_refused() {
    let twice = |part: fn(&mut Value) -> &mut Value| {
        changed(|record| {
            let list = part(record).as_array_mut().unwrap();
            list.push(list[0].clone());
        })
    };
    refused(twice(|record| &mut record["scenarios"]).as_bytes(), "occurs twice");
    let metrics = twice(|record| &mut record["scenarios"][0]["metrics"]);
    refused(metrics.as_bytes(), "scenario latency/drain/workers=5: metric rate occurs twice");
    refused(b"{\"schema\": \"prismq/suite\", \"schema\": \"prismq/suite\"}", "duplicate field");
}

/// The parts of a histogram's data, with the lengths they claim.
struct Forged {
    digits: u32,
    lowest: u64,
    highest: u64,
    length: Option<u32>,
    counts: Vec<u8>,
}

impl Default for Forged {
    fn default() -> Self {
        // Five zeros, then ten values.
        Self { digits: 3, lowest: 1, highest: 1 << 20, length: None, counts: vec![9, 20] }
    }
}

impl Forged {
    fn bytes(&self) -> Vec<u8> {
        let length = self.length.unwrap_or(self.counts.len().try_into().unwrap());
        let mut inner = 0x1c84_9313_u32.to_be_bytes().to_vec();
        for part in [length, 0, self.digits] {
            inner.extend(part.to_be_bytes());
        }
        inner.extend(self.lowest.to_be_bytes());
        inner.extend(self.highest.to_be_bytes());
        inner.extend(1.0_f64.to_be_bytes());
        inner.extend(&self.counts);
        deflated(&inner)
    }

    fn decode(&self) -> Result<u64, String> {
        decode(&self.bytes())
    }
}

fn deflated(inner: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(inner).unwrap();
    let compressed = encoder.finish().unwrap();
    let mut bytes = 0x1c84_9314_u32.to_be_bytes().to_vec();
    bytes.extend(u32::try_from(compressed.len()).unwrap().to_be_bytes());
    bytes.extend(compressed);
    bytes
}

fn decode(bytes: &[u8]) -> Result<u64, String> {
    histogram(STANDARD.encode(bytes)).decode().map(|found| found.len()).map_err(|e| e.to_string())
}

fn histogram(data: String) -> Histogram {
    Histogram {
        encoding: "hdr-v2-deflate-base64".to_owned(),
        unit: "ns".to_owned(),
        sigfig: 3,
        count: 10,
        min: Some(5),
        max: Some(5),
        data,
    }
}

#[track_caller]
fn damaged(forged: &Forged, reason: &str) {
    let error = forged.decode().unwrap_err();
    assert!(error.starts_with("histogram data is damaged") && error.contains(reason), "{error}");
}

#[test]
fn damaged_histogram_data_is_an_error() {
    assert_eq!(Forged::default().decode(), Ok(10));
    let error = histogram("not base64!".to_owned()).decode().unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    let whole = Forged::default().bytes();
    for length in 0..whole.len() {
        decode(&whole[..length]).unwrap_err();
    }
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[index] ^= 1 << bit;
            // An error or a success: no panic, no endless loop.
            let _ = decode(&bytes);
        }
    }
}

#[test]
fn absurd_bounds_and_lengths_of_histograms_are_errors() {
    damaged(&Forged { digits: 5, ..Forged::default() }, "keeps 5 digits, at most 4");
    damaged(&Forged { digits: u32::MAX, ..Forged::default() }, "at most 4");
    damaged(&Forged { highest: u64::MAX, ..Forged::default() }, "tracks values up to");
    damaged(&Forged { lowest: 0, ..Forged::default() }, "invalid");
    damaged(&Forged { lowest: u64::MAX / 2, ..Forged::default() }, "invalid");
    damaged(&Forged { length: Some(u32::MAX), ..Forged::default() }, "bytes instead of 4294967295");
    damaged(&Forged { counts: vec![0xff; 9], ..Forged::default() }, "out of range");
    damaged(&Forged { counts: vec![0xfe; 64], ..Forged::default() }, "");
    damaged(&Forged { counts: vec![20, 20], ..Forged::default() }, "holds 20 values instead of 10");
    // A few kilobytes that inflate to far more than any histogram.
    let bomb = deflated(&vec![0; 6 << 20]);
    assert!(bomb.len() < 16 << 10, "{}", bomb.len());
    let error = decode(&bomb).unwrap_err();
    assert!(error.contains("inflates to more than"), "{error}");
}

#[test]
fn validate_locates_a_damaged_distribution() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.json");
    let text = changed(|record| {
        record["scenarios"][0]["histograms"] = json!({"end_to_end": histogram("AAAA".to_owned())});
        record["scenarios"][0]["metrics"][1]["reason"] = Value::Null;
    });
    std::fs::write(&path, text).unwrap();
    let [metric, distribution] = &validate(&path).unwrap().problems[..] else { panic!() };
    let nothing = "scenarios[0].metrics[1]: speed_up: has neither a value nor a reason";
    assert!(metric.starts_with(nothing), "{metric}");
    let place = "scenarios[0].histograms.end_to_end: histogram data is damaged";
    assert!(distribution.starts_with(place), "{distribution}");
}

#[test]
fn control_characters_are_replaced_when_a_record_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.json");
    let text = changed(|record| {
        record["scenarios"][0]["warnings"] = json!(["\u{1b}[2J\u{9b}1mPASS\u{7}\n"]);
    });
    std::fs::write(&path, text).unwrap();
    let suite = read_suite(&path).unwrap();
    assert_eq!(suite.scenarios[0].warnings, ["\u{fffd}[2J\u{a0}1mPASS\u{fffd}\n"]);
}
