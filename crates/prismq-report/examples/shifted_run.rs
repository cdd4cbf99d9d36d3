//! Makes of a combined record one of a program that is FACTOR times slower in every sampled figure and every
//! time, to see what `compare` makes of it:
//! `cargo run -p prismq-report --example shifted_run -- RUN.json SHIFTED.json 1.2`.

use std::error::Error;
use std::path::Path;

use prismq_record::files::read_run;
use prismq_record::quantiles::settle;
use prismq_record::{Direction, Histogram, Metric};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, factor] = arguments.as_slice() else {
        return Err("name the record to read, the one to write, and the factor".into());
    };
    let factor: f64 = factor.parse()?;
    let mut run = read_run(Path::new(from))?;
    run.verdict = None;
    run.run_id = "01M8E2WHQYYB2T89A8Z8EX4323".to_owned();
    for suite in &mut run.suites {
        suite.run_id.clone_from(&run.run_id);
        for scenario in &mut suite.scenarios {
            scenario.metrics.iter_mut().for_each(|metric| slow_down(metric, factor));
            let intervals = scenario.rounds.iter_mut().flat_map(|round| &mut round.intervals);
            let pieces = intervals.filter_map(|interval| interval.end_to_end.as_mut());
            for histogram in scenario.histograms.values_mut().chain(pieces) {
                *histogram = slower(histogram, factor)?;
            }
            settle(scenario);
        }
    }
    std::fs::write(to, serde_json::to_string(&run)?)?;
    Ok(())
}

fn slow_down(metric: &mut Metric, factor: f64) {
    if metric.samples.is_empty() {
        return;
    }
    let factor = if metric.direction == Direction::Higher { 1.0 / factor } else { factor };
    metric.value = metric.value.map(|value| value * factor);
    metric.samples.iter_mut().for_each(|sample| *sample *= factor);
    if let Some(interval) = &mut metric.interval {
        interval.lower *= factor;
        interval.upper *= factor;
    }
}

fn slower(recorded: &Histogram, factor: f64) -> Result<Histogram, Box<dyn Error>> {
    let times = recorded.decode()?;
    let mut slower = hdrhistogram::Histogram::<u64>::new(times.sigfig())?;
    for bin in times.iter_recorded() {
        let time = (bin.value_iterated_to() as f64 * factor) as u64;
        slower.record_n(time, bin.count_at_value())?;
    }
    Ok(Histogram::encode(&slower, &recorded.unit)?)
}
