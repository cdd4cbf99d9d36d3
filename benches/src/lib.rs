//! The benchmark harness of prismq, as a library: the suites beside it only say what to measure.
//!
//! Data flows one way. A suite asks the harness for rounds of a [`workload`] on an [`engine`], and for
//! the [`floor`] beside it;
//! Criterion decides how often ([`driver`]); what the rounds read becomes a record ([`recorder`],
//! [`suite`]). Targets, comparison and rendering are left to `prismq-report`, which only ever sees
//! written records.

pub mod accounting;
pub mod bench_dir;
pub mod child;
pub mod clocks;
pub mod counts;
pub mod driver;
pub mod engine;
pub mod environment;
pub mod error;
pub mod floor;
pub mod health;
pub mod instructions;
pub mod interrupt;
pub mod invocation;
pub mod latencies;
pub mod ledger;
pub mod machine_lock;
pub mod metrics;
pub mod part;
pub mod places;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod quiet;
pub mod recorder;
pub mod rounds;
pub mod rss;
pub mod run_identity;
pub mod sampler;
pub mod scenario;
pub mod settings;
pub mod stage;
pub mod suite;
pub mod timeline;
pub mod verdict;
pub mod workload;
pub mod written;
