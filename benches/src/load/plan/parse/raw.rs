//! A workload file as it is written, each value with its place.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Spanned<String>,
    pub(super) version: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) seed: u64,
    pub(super) callers: Option<Spanned<i64>>,
    pub(super) workers: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) durability: Durability,
    #[serde(default)]
    pub(super) order: Order,
    pub(super) reader: Option<Reader>,
    pub(super) arrivals: Spanned<Arrivals>,
    #[serde(default)]
    pub(super) tasks: Vec<Spanned<Task>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Durability {
    #[default]
    Full,
    Normal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Order {
    #[default]
    Priority,
    FirstInFirstOut,
    LastInFirstOut,
    WeightedRandom,
    Ageing {
        step_ms: Spanned<f64>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reader {
    pub(super) from_s: Spanned<f64>,
    pub(super) to_s: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Arrivals {
    Constant { rate_per_s: Spanned<f64>, duration_s: Spanned<f64> },
    Poisson { rate_per_s: Spanned<f64>, duration_s: Spanned<f64> },
    Burst { size: Spanned<i64>, every_s: Spanned<f64>, duration_s: Spanned<f64> },
    Closed { tasks: Spanned<i64> },
    Trace { file: PathBuf },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    #[serde(rename = "type")]
    pub(super) task_type: Spanned<String>,
    pub(super) queue: Option<Spanned<String>>,
    pub(super) weight: Option<Spanned<f64>>,
    pub(super) priority: Option<Spanned<Priority>>,
    pub(super) payload_bytes: Spanned<Sizes>,
    pub(super) service_ms: Spanned<Service>,
    pub(super) failure_probability: Option<Spanned<f64>>,
    pub(super) max_attempts: Option<Spanned<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Priority {
    Fixed(Spanned<i64>),
    Choice(Vec<Weighted>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weighted {
    pub(super) value: Spanned<i64>,
    pub(super) weight: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Sizes {
    Fixed(Spanned<i64>),
    Uniform { min: Spanned<i64>, max: Spanned<i64> },
    Choice(Vec<Weighted>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Service {
    Fixed(Spanned<f64>),
    Exponential { mean: Spanned<f64> },
    Lognormal { median: Spanned<f64>, sigma: Spanned<f64> },
    Empirical(Vec<Spanned<f64>>),
}
