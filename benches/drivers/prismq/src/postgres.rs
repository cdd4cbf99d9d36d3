//! prismq with its queue in PostgreSQL, whose server is the driver's own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use prismq_driver::message::{About, Census, Class, Open, Opened, Process, Store};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task};
use prismq_driver_server::{Cluster, URL, version};

use crate::{Opening, about};

/// The library, with its queue in PostgreSQL. Its strictest durability is the default: the stricter one that the
/// library offers needs a standby.
#[derive(Debug, Clone, Copy)]
pub struct PrismqPostgres;

impl Library for PrismqPostgres {
    fn about(&self) -> About {
        let version = version().unwrap_or_else(|error| error.to_string());
        about(Store { name: "PostgreSQL".to_owned(), version }, Class::Synced)
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let cluster = Cluster::open(Path::new(&open.dir))?;
        let opening = Opening::new(prismq::postgres::builder(URL)?, open)?;
        let opened = Opened {
            pids: vec![Process { pid: cluster.pid(), role: "server".to_owned() }],
            settings: opening.queue.settings()?.into_iter().collect(),
            paths: vec![open.dir.clone()],
        };
        Ok((Arc::new(OnServer { opening, _cluster: cluster }), opened))
    }
}

struct OnServer {
    /// Dropped before its server is stopped.
    opening: Opening,
    _cluster: Cluster,
}

impl Queue for OnServer {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        self.opening.enqueue(tasks)
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        self.opening.start(workers, handler)
    }

    fn census(&self) -> Result<Census, Refused> {
        self.opening.census()
    }

    fn counters(&self) -> BTreeMap<String, f64> {
        self.opening.counters()
    }
}
