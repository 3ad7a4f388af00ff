//! Clusters, switchbacks and regions against statsmodels, SciPy and matrices written out.

use kerf_stats::{
    Inconclusive,
    networks::{
        Bin, Cluster, Pair, compare_clusters, compare_pairs, intracluster_correlation, randomisation_test,
        switchback,
    },
};
use serde_json::Value;

use crate::check::{Input, check_documents};

#[test]
fn network_experiments_are_those_of_the_oracles() {
    check_documents("networks", run);
}

fn run(method: &str, input: &Input<'_>) -> Result<Value, Inconclusive> {
    let clusters = || input.list::<Vec<Cluster>>("clusters");
    let answer = match method {
        "clusters" => serde_json::to_value(compare_clusters(
            &clusters(),
            input.list("control"),
            input.list("treatment"),
            input.list("variance"),
        )?),
        "icc" => serde_json::to_value(intracluster_correlation(&clusters(), input.number("squares"))?),
        "switchback" => {
            serde_json::to_value(switchback(&input.list::<Vec<Vec<Bin>>>("markets"), input.list("plan"))?)
        }
        "pairs" => serde_json::to_value(compare_pairs(&input.list::<Vec<Pair>>("pairs"))?),
        "randomisation" => serde_json::to_value(randomisation_test(
            &input.list::<Vec<f64>>("control"),
            &input.list::<Vec<f64>>("treatment"),
        )?),
        other => panic!("no method {other}"),
    };
    Ok(answer.unwrap())
}
