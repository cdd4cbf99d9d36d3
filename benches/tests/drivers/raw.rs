//! A driver without the SDK, which greets and then answers anything with the same.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

pub(crate) const DEAF: &str = "deaf";

const HELLO: &str = r#"{"v":1,"driver":"deaf 1","library":{"name":"none","version":"1","licence":"MIT"},"runtime":"Rust","store":{"name":"none","version":"1"},"settle":"none","redelivery":{"kind":"never","within_ms":0},"can":["flying"],"durability":{"default":"M","strictest":"M"}}"#;

/// Takes every request for one it knows, and reads a clock of its own.
pub(crate) fn deaf() -> ExitCode {
    for line in io::stdin().lock().lines() {
        let request: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let ok = match request["do"].as_str().unwrap() {
            "hello" => HELLO,
            "clock" => r#"{"now_ns":1}"#,
            "open" => r#"{"pids":[],"settings":{},"paths":["/elsewhere"]}"#,
            _ => "{}",
        };
        println!("{{\"id\":{},\"ok\":{ok}}}", request["id"]);
        io::stdout().flush().unwrap();
        if request["do"] == "bye" {
            return ExitCode::from(3);
        }
    }
    ExitCode::SUCCESS
}
