"""Time and answers of this crate against gbstats, on the same inputs in the same run.

    /tmp/oracle-venv/bin/python oracle/compare_gbstats.py

Runs the throughput benchmark (one thread), reads the inputs that it wrote, and asks gbstats for the same results: the
fixed test, the confidence sequence and the posterior of the lift. Fails if an answer differs or it is less than 500
times slower.
"""

import importlib.metadata
import json
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, RatioStatistic, SampleMeanStatistic

CRATE = pathlib.Path(__file__).resolve().parent.parent
FIXED = FrequentistConfig(alpha=0.05, difference_type="relative")
SEQUENTIAL = SequentialConfig(alpha=0.05, difference_type="relative", sequential_tuning_parameter=5000)
BAYESIAN = EffectBayesianConfig(
    alpha=0.05, difference_type="relative", prior_effect=GaussianPrior(mean=0, variance=0.09, proper=True), prior_type="relative"
)


def statistic(arm):
    ((kind, sums),) = arm.items()
    if kind == "rate":
        return ProportionStatistic(n=sums["units"], sum=sums["conversions"])
    if kind == "mean":
        return SampleMeanStatistic(n=sums["units"], sum=sums["sum"], sum_squares=sums["sum_of_squares"])
    part = lambda name: SampleMeanStatistic(n=sums["units"], sum=sums[name], sum_squares=sums[f"{name}_squared"])
    return RatioStatistic(n=sums["units"], m_statistic=part("first"), d_statistic=part("second"), m_d_sum_of_products=sums["product"])


def results(arms):
    control, treatment = (statistic(arm) for arm in arms)
    return (
        TwoSidedTTest(control, treatment, FIXED).compute_result(),
        SequentialTwoSidedTTest(control, treatment, SEQUENTIAL).compute_result(),
        EffectBayesianABTest(control, treatment, BAYESIAN).compute_result(),
    )


def close(ours, theirs):
    return abs(ours - theirs) <= 1e-6 * abs(theirs) + 1e-9


def disagreement(arms, ours, theirs):
    """The first value of a comparison in which the two differ."""
    fixed, sequential, bayesian = theirs
    lift, sequence, posterior = ours["fixed"]["relative"], ours["sequential"]["relative"], ours["bayesian"]
    ends = lambda interval: (interval["lower"], interval["upper"])
    pairs = [("lift", lift["estimate"], fixed.expected), ("probability", posterior["probability_better"], bayesian.chance_to_win)]
    pairs += zip(("posterior", "posterior"), ends(posterior["interval"]), bayesian.ci)
    # Near zero the lift has Fieller's set here and the delta method's interval there.
    by_delta = lambda of: of["method"] == "delta"
    if by_delta(sequence):
        pairs += zip(("sequence", "sequence"), ends(sequence["set"]["interval"]), sequential.ci)
    # Rates have a pooled normal test here and Welch's t there, so their p-values and intervals are not the same number.
    if "rate" not in arms[0] and by_delta(lift):
        pairs += [("p", lift["p_value"], fixed.p_value), *zip(("fixed", "fixed"), ends(lift["set"]["interval"]), fixed.ci)]
    return next((pair for pair in pairs if not close(pair[1], pair[2])), None)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/inputs.jsonl"
        command = ["cargo", "bench", "-q", "-p", "kerf-stats", "--bench", "throughput", "--", path]
        printed = subprocess.run(command, cwd=CRATE, check=True, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    print(printed, end="")
    ours = float(re.search(r"nanoseconds a comparison: ([\d.]+)", printed)[1]) * 1e-9
    results(lines[0]["arms"])
    started = time.perf_counter()
    found = [results(line["arms"]) for line in lines]
    theirs = (time.perf_counter() - started) / len(lines)
    wrong = [pair for line, other in zip(lines, found) if (pair := disagreement(line["arms"], line["results"], other))]
    print(f"gbstats {importlib.metadata.version('gbstats')}, Python {platform.python_version()}: {theirs * 1e6:.1f} µs a comparison, over {len(lines)}")
    print(f"ratio: {theirs / ours:.0f}")
    compared = sum(line["results"]["sequential"]["relative"]["method"] == "delta" for line in lines)
    print(f"answers that differ: {len(wrong)} (intervals of {compared} by the delta method)", *wrong[:5])
    if wrong or theirs < 500 * ours:
        sys.exit(1)


main()
