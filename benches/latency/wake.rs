//! From a commit into an idle queue to the handler, in this process and from another.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{CALL_TO_HANDLER_P50_US, P50_RATIO_TO_SWITCH, P50_US, P99_US};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::switch::switches;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::wake::{From, REST, wake};
use prismq_record::Model;

use crate::readings::ms;

const WORKERS: usize = 10;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(3, 45, 60, 500);
    for (variant, from) in [("in_process", From::Here), ("cross_process", From::Elsewhere)] {
        let case = Case::variant("wake", variant)
            .model(Model::Probe)
            .claims("wake", 0.99)
            .with("workers", WORKERS)
            .with("tasks", tasks)
            .with("payload_bytes", PAYLOAD_BYTES);
        // A process that is killed instead takes the notification of its last task with it.
        let case = match from {
            From::Here => case,
            From::Elsewhere => case.with("enqueuer", "closes its queue"),
        };
        suite.measure(case, move |stage| {
            let woken = wake(stage, WORKERS, tasks, from)?;
            let us = |quantile| 1000.0 * ms(woken.wake.value_at_quantile(quantile));
            let switch = switches(tasks, REST)?;
            let bare = 1000.0 * ms(switch.value_at_quantile(0.5).max(1));
            let readings = vec![
                P50_US.reads(us(0.5)),
                P99_US.reads(us(0.99)),
                P50_RATIO_TO_SWITCH.reads(us(0.5) / bare),
                CALL_TO_HANDLER_P50_US.reads(1000.0 * ms(woken.started.value_at_quantile(0.5))),
            ];
            let median = Duration::from_nanos(woken.wake.value_at_quantile(0.5).max(1));
            let histograms = vec![
                ("wake", woken.wake),
                ("started", woken.started),
                ("publish", woken.publish),
                ("switch", switch),
            ];
            Ok((median, Round { readings, histograms, faults: woken.faults, ..Round::default() }))
        })?;
    }
    Ok(())
}
