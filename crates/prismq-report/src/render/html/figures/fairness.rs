//! How work is shared among workers.

use prismq_record::Scenario;
use prismq_statistics::{gini, jain};

use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Swatch};
use crate::render::html::select::{scenarios, subject};
use crate::render::humanise::number;

pub(super) const QUESTION: Question = Question {
    id: "fairness",
    question: "Do all workers get their share?",
    aid: "Bars of one height are fair. A worker far below the line starves; one far above keeps the others from work.",
    method: "Handlers each worker ran to their end, all rounds together, as a share of all. The line is the even share. Jain's index is 1 where all have the same, 1/n where one has everything; Gini's coefficient is 0 and 1 - 1/n.",
    needs: "handlers run by worker (per_worker)",
    command: "cargo bench --bench concurrency",
    build,
};

const HALF: f64 = 0.38;

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let mut found: Vec<(&Scenario, Vec<u64>)> = scenarios(input.run)
        .map(|scenario| (scenario, per_worker(scenario)))
        .filter(|(_, counts)| counts.len() > 1 && counts.iter().any(|count| *count > 0))
        .collect();
    // Ten bars show more than two and are easier to read than sixty.
    found.sort_by_key(|(_, counts)| counts.len().abs_diff(10));
    Ok(found.iter().map(|(scenario, counts)| drawing(scenario, counts)).collect())
}

fn per_worker(scenario: &Scenario) -> Vec<u64> {
    let mut counts: Vec<u64> = Vec::new();
    for round in &scenario.rounds {
        if counts.len() < round.per_worker.len() {
            counts.resize(round.per_worker.len(), 0);
        }
        for (count, more) in counts.iter_mut().zip(&round.per_worker) {
            *count = count.saturating_add(*more);
        }
    }
    counts
}

fn drawing(scenario: &Scenario, counts: &[u64]) -> Drawing {
    let all: f64 = counts.iter().map(|count| *count as f64).sum();
    let shares: Vec<f64> = counts.iter().map(|count| 100.0 * *count as f64 / all).collect();
    let workers = shares.len() as f64;
    let bar = |(index, share): (usize, &f64)| Layer::Block {
        from: (index as f64 + 1.0 - HALF, 0.0),
        to: (index as f64 + 1.0 + HALF, *share),
        ink: Ink::Blue,
        strength: 0.85,
        tip: format!("worker {}\n{} % of tasks", index + 1, number(*share)),
    };
    let mut layers: Vec<Layer> = shares.iter().enumerate().map(bar).collect();
    let even = 100.0 / workers;
    layers.push(Layer::Level { y: even, name: String::new(), ink: Ink::Vermillion });
    let names = (1..=shares.len()).map(|worker| (worker as f64, worker.to_string()));
    let chart = Chart {
        x: Axis::named("worker", (0.4, workers + 0.6), names),
        y: Axis::from_zero("share of tasks, %", shares.iter().copied().chain([even])),
        layers,
    };
    let mut table = Table::new(["worker", "tasks", "share, %"]);
    for (worker, (count, share)) in counts.iter().zip(&shares).enumerate() {
        let row = [Some((worker + 1) as f64), Some(*count as f64), Some(*share)];
        table.rows.push(row.map(cell).to_vec());
    }
    let legend = vec![
        Key::new(format!("share of a worker{}", evenness(&shares)), Swatch::Area(Ink::Blue)),
        Key::new("even share", Swatch::Line(Ink::Vermillion, Dash::Short)),
    ];
    Drawing { subject: subject(scenario), panels: vec![chart], legend, table }
}

fn evenness(shares: &[f64]) -> String {
    match (jain(shares), gini(shares)) {
        (Some(jain), Some(gini)) => {
            // Four digits of a figure that is near 1 where all is well.
            let jain = (jain * 1e4).round() / 1e4;
            format!(": Jain {jain}, Gini {}", number((gini * 1e4).round() / 1e4))
        }
        _ => String::new(),
    }
}
