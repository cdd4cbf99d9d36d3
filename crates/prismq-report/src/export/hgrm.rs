//! Percentile distributions in the text format that `HdrHistogram`'s plotters read, one file each.

use std::fmt::Write as _;

use prismq_record::RunRecord;

use super::{ExportError, scenarios};

/// Lines between a percentile and the one half as far from the maximum.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// A distribution as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// A unique file name without extension, from the ids of scenario and histogram.
    pub name: String,
    /// The content of the file. Values are in the unit that its last line names.
    pub text: String,
}

/// Every distribution of a run.
///
/// # Errors
/// [`ExportError::Histogram`] if one is damaged, [`ExportError::Nothing`] if the run has none.
pub fn hgrm(run: &RunRecord) -> Result<Vec<Distribution>, ExportError> {
    let mut distributions: Vec<Distribution> = Vec::new();
    for scenario in scenarios(run) {
        for (name, histogram) in &scenario.histograms {
            let decoded = histogram.decode().map_err(|source| ExportError::Histogram {
                scenario: scenario.id.clone(),
                histogram: name.clone(),
                source,
            })?;
            let mut text = percentiles(&decoded);
            let _ =
                writeln!(text, "#[{} {name}, in {}]", plain(&scenario.id), plain(&histogram.unit));
            let stem = file_name(&format!("{}.{name}", scenario.id));
            let is_alike = |other: &&Distribution| other.name.split('~').next() == Some(&stem);
            let alike = distributions.iter().filter(is_alike).count();
            let name = if alike == 0 { stem } else { format!("{stem}~{alike}") };
            distributions.push(Distribution { name, text });
        }
    }
    if distributions.is_empty() {
        return Err(ExportError::Nothing { run: run.run_id.clone(), what: "distribution" });
    }
    Ok(distributions)
}

fn percentiles(histogram: &hdrhistogram::Histogram<u64>) -> String {
    let mut text = String::from("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
        let _ = write!(text, "{value:12.3} {quantile:.12} {total:10}");
        // The format leaves the column of the maximum empty, as it would be infinite.
        let _ = if quantile < 1.0 {
            writeln!(text, " {:14.2}", 1.0 / (1.0 - quantile))
        } else {
            writeln!(text)
        };
    }
    let (mean, deviation) = (histogram.mean(), histogram.stdev());
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let (max, count) = (histogram.max() as f64, histogram.len());
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    let sub_buckets = (2 * 10_u64.pow(u32::from(histogram.sigfig()))).next_power_of_two();
    let _ = writeln!(
        text,
        "#[Buckets = {:12}, SubBuckets     = {sub_buckets:12}]",
        histogram.buckets()
    );
    text
}

/// A comment is one line.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A name without characters that would leave the folder or that a filesystem refuses.
fn file_name(id: &str) -> String {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "=,._-".contains(character);
    let name: String =
        id.chars().map(|character| if allowed(character) { character } else { '_' }).collect();
    let name = name.trim_start_matches('.');
    name.get(..name.len().min(NAME_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Short enough for every filesystem, an extension and a number included.
const NAME_BYTES_MAX: usize = 200;
