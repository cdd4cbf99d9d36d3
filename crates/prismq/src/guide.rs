//! Short pages on using prismq. What it guarantees is in [the README](crate); these show how to put it to work.
//!
//! 1. [A web service](web_service)
//! 2. [Asynchronous code](asynchronous)
//! 3. [Transactions and the outbox](outbox)
//! 4. Tests: the module `prismq::testing`, with the feature `testing`
//! 5. [Several processes](processes)
//! 6. [Deployment](deployment)
//! 7. [Backup](backup)
//! 8. [Limits](limits)
//! 9. [Several queues in one pool](queues)
//! 10. [Periodic tasks](periodic)
//! 11. [Upgrading, and moving from other queues](upgrading)
//! 12. PostgreSQL, for several machines: the module `prismq::postgres`, with the feature `postgres`

/// Its program needs axum: `crates/prismq-examples` compiles and tests it.
#[cfg(not(doctest))]
#[doc = include_str!("../docs/web_service.md")]
pub mod web_service {}
#[doc = include_str!("../docs/asynchronous.md")]
pub mod asynchronous {}
#[doc = include_str!("../docs/outbox.md")]
pub mod outbox {}
#[doc = include_str!("../docs/processes.md")]
pub mod processes {}
#[doc = include_str!("../docs/deployment.md")]
pub mod deployment {}
#[doc = include_str!("../docs/backup.md")]
pub mod backup {}
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}
#[doc = include_str!("../docs/queues.md")]
pub mod queues {}
#[cfg(any(feature = "cron", not(doctest)))]
#[doc = include_str!("../docs/periodic.md")]
pub mod periodic {}
#[doc = include_str!("../docs/upgrading.md")]
pub mod upgrading {}
