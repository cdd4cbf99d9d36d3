//! Values of `#[task(...)]` out of their bounds.

use prismq::Task;
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(name = "")]
struct EmptyName;

#[derive(Task, Serialize, Deserialize)]
#[task(name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
struct LongName;

#[derive(Task, Serialize, Deserialize)]
#[task(name = "a\nb")]
struct ControlCharacter;

#[derive(Task, Serialize, Deserialize)]
#[task(priority = 32768)]
struct HighPriority;

#[derive(Task, Serialize, Deserialize)]
#[task(priority = -32769)]
struct LowPriority;

#[derive(Task, Serialize, Deserialize)]
#[task(priority = 1.5)]
struct Fraction;

#[derive(Task, Serialize, Deserialize)]
#[task(max_attempts = 0)]
struct NoAttempts;

#[derive(Task, Serialize, Deserialize)]
#[task(max_attempts = 1000001)]
struct ManyAttempts;

#[derive(Task, Serialize, Deserialize)]
#[task(max_attempts = -1)]
struct NegativeAttempts;

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "30")]
struct WithoutUnit;

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "30 minutes")]
struct UnknownUnit;

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "0s")]
struct ZeroTimeout;

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "8d")]
struct LongTimeout;

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "99999999999999999999s")]
struct Overflow;

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "")]
struct EmptyDuration;

#[derive(Task, Serialize, Deserialize)]
#[task(backoff = "5m..1s")]
struct Shrinking;

#[derive(Task, Serialize, Deserialize)]
#[task(backoff = "1s..")]
struct HalfOpen;

#[derive(Task, Serialize, Deserialize)]
#[task(backoff = "4000d")]
struct LongBackoff;

#[derive(Task, Serialize, Deserialize)]
#[task(requires(""))]
struct EmptyRequirement;

#[derive(Task, Serialize, Deserialize)]
#[task(unique = "until noon")]
struct UnknownHold;

#[derive(Task, Serialize, Deserialize)]
#[task(unique = "for 0s")]
struct EmptyPeriod;

#[derive(Task, Serialize, Deserialize)]
#[task(expires_after = "never")]
struct NoTime;

fn main() {}
