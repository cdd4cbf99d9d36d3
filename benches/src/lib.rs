//! The benchmark harness of prismq, as a library: the suites beside it only say what to measure.
//!
//! Data flows one way. A suite says what a round of each scenario is ([`experiment`]): a [`workload`] on an
//! [`engine`], with the [`floor`] next to it. The rounds of all scenarios are run in a drawn order
//! ([`rounds`], [`suite`]) and shown to Criterion ([`driver`]); what they read becomes a record
//! ([`recorder`]). Targets, comparison and rendering are left to `prismq-report`, which only ever sees
//! written records.

pub mod accounting;
pub mod bench_dir;
pub mod child;
pub mod clocks;
pub mod counts;
pub mod decision;
pub mod driver;
pub mod durations;
pub mod engine;
pub mod environment;
pub mod error;
pub mod experiment;
pub mod filter;
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
pub mod session;
pub mod settings;
pub mod stage;
pub mod steadiness;
pub mod suite;
pub mod terminal;
pub mod timeline;
pub mod verdict;
pub mod workload;
pub mod written;
