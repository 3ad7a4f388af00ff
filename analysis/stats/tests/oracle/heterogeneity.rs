//! Segments, interactions and trees against statsmodels, SciPy and an exhaustive search.

use kerf_stats::{
    Alpha, Inconclusive,
    heterogeneity::{
        Cell, Feature, TreePlan, TwoByTwo, honest_tree, independence, interaction, segments,
        table_interaction,
    },
};
use serde_json::Value;

use crate::check::{Input, check_documents};

#[test]
fn heterogeneity_is_that_of_the_oracles() {
    check_documents("heterogeneity", run);
}

fn run(method: &str, input: &Input<'_>) -> Result<Value, Inconclusive> {
    let alpha = Alpha::new(0.05)?;
    let answer = match method {
        "segments" => {
            let effects: Vec<_> = input.estimates("effects").into_iter().map(Ok).collect();
            serde_json::to_value(segments(&effects, input.list("correction"), alpha)?)
        }
        "interaction" => {
            let [neither, first, second, both] =
                ["neither", "first", "second", "both"].map(|group| input.estimate(group));
            serde_json::to_value(interaction(&TwoByTwo { neither, first, second, both }, alpha)?)
        }
        "table" => serde_json::to_value(table_interaction(&input.table("table"))?),
        "independence" => serde_json::to_value(independence(&input.list::<Vec<Vec<u64>>>("units"))?),
        "tree" => {
            let (features, cells): (Vec<Feature>, Vec<Cell>) = (input.list("features"), input.list("cells"));
            serde_json::to_value(honest_tree(&features, &cells, &input.list::<TreePlan>("plan"))?)
        }
        other => panic!("no method {other}"),
    };
    Ok(answer.unwrap())
}
