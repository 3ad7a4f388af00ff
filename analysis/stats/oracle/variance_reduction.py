"""CUPED, Lin's regression and post-stratification against gbstats, tea-tasting, statsmodels and NumPy."""

import numpy as np
import statsmodels.api as sm
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta
from tea_tasting.aggr import Aggregates
from tea_tasting.metrics import Mean as TeaMean
from tea_tasting.metrics import RatioOfMeans

from record import case, write

rng = np.random.default_rng(51)


def moments(rows):
    """Units, sums and the lower triangle of the sums of products."""
    products = rows.T @ rows
    size = rows.shape[1]
    return {"units": len(rows), "sums": rows.sum(axis=0).tolist(),
            "products": [products[i, j] for i in range(size) for j in range(i + 1)]}


def rows(size, covariates, shift):
    x = rng.normal(size=(size, covariates)) * rng.uniform(0.5, 3, covariates) + rng.uniform(-1, 1, covariates)
    y = 5 + shift + x @ rng.uniform(-1, 1, covariates) + rng.normal(size=size) * (1 + 0.5 * np.abs(x[:, 0]))
    return np.column_stack([y, x])


def aggregates(sample, names):
    covariance = np.cov(sample, rowvar=False, ddof=1)
    index = range(len(names))
    return Aggregates(
        count_=len(sample),
        mean_={n: sample[:, i].mean() for i, n in enumerate(names)},
        var_={n: covariance[i, i] for i, n in enumerate(names)},
        cov_={tuple(sorted((names[i], names[j]))): covariance[i, j] for i in index for j in index if i < j},
    )


def cuped():
    cases = []
    for _ in range(50):
        arms = [rows(int(rng.integers(15, 300)), 1, s) for s in (0.0, rng.uniform(-0.5, 0.5))]
        stats = []
        for arm in arms:
            y, x = arm[:, 0], arm[:, 1]
            stats.append(RegressionAdjustedStatistic(
                n=len(y), theta=0.0, post_pre_sum_of_products=(x * y).sum(),
                post_statistic=SampleMeanStatistic(n=len(y), sum=y.sum(), sum_squares=(y * y).sum()),
                pre_statistic=SampleMeanStatistic(n=len(x), sum=x.sum(), sum_squares=(x * x).sum())))
        theta = compute_theta(*stats)
        for stat in stats:
            stat.theta = theta
        result = TwoSidedTTest(*stats, FrequentistConfig(alpha=0.05, difference_type="absolute")).compute_result()
        tea = TeaMean("y", "x", use_t=True, equal_var=False).analyze_aggregates(*[aggregates(a, ["y", "x"]) for a in arms])
        given = {"control": moments(arms[0]), "treatment": moments(arms[1])}
        # gbstats merges both arms for theta, tea-tasting too; the two agree with the merged coefficient.
        cases.append(case("cuped_merged", given, {
            "difference": result.expected, "lower": result.ci[0], "upper": result.ci[1], "p_value": tea.pvalue,
            "control": tea.control}))
    return cases


def several():
    cases = []
    for _ in range(40):
        k = int(rng.integers(2, 6))
        arms = [rows(int(rng.integers(40, 300)), k, s) for s in (0.0, 0.3)]
        # The within-arms coefficient is that of an analysis of covariance.
        y = np.concatenate([arm[:, 0] for arm in arms])
        x = np.concatenate([arm[:, 1:] for arm in arms])
        t = np.repeat([0.0, 1.0], [len(arm) for arm in arms])
        fit = sm.OLS(y, np.column_stack([np.ones(len(y)), t, x])).fit()
        theta = fit.params[2:]
        residual = [arm[:, 0] - arm[:, 1:] @ theta for arm in arms]
        variance = sum(r.var(ddof=1) / len(r) for r in residual)
        cases.append(case("cuped_within", {"control": moments(arms[0]), "treatment": moments(arms[1])},
                          {"difference": fit.params[1], "variance": variance}))
    return cases


def ratio():
    cases = []
    for _ in range(30):
        arms = []
        for shift in (0.0, 0.05):
            n = int(rng.integers(50, 400))
            quality = rng.uniform(0.1, 0.5, n)
            before, now = rng.poisson(5, n) + 1.0, rng.poisson(5, n) + 1.0
            arms.append(np.column_stack([
                now * (quality + shift) + rng.normal(size=n) * 0.1, now, before * quality + rng.normal(size=n) * 0.1, before]))
        tea = RatioOfMeans("a", "b", "c", "d", use_t=True, equal_var=False).analyze_aggregates(
            *[aggregates(arm, ["a", "b", "c", "d"]) for arm in arms])
        cases.append(case("cuped_ratio", {"control": moments(arms[0]), "treatment": moments(arms[1])}, {
            "difference": tea.effect_size, "lower": tea.effect_size_ci_lower, "upper": tea.effect_size_ci_upper}))
        # θ within arms: an analysis of covariance of the values linearised around their own arm's means.
        def linear(arm, top, bottom):
            return (arm[:, top] - arm[:, top].mean() / arm[:, bottom].mean() * arm[:, bottom]) / arm[:, bottom].mean()

        now, before = ([linear(arm, *places) for arm in arms] for places in ((0, 1), (2, 3)))
        theta = np.linalg.lstsq(np.concatenate(before)[:, None], np.concatenate(now), rcond=None)[0][0]
        gap = lambda top, bottom: arms[1][:, top].mean() / arms[1][:, bottom].mean() - arms[0][:, top].mean() / arms[0][:, bottom].mean()
        cases.append(case("cuped_ratio", {"control": moments(arms[0]), "treatment": moments(arms[1]), "theta": "within_arms"}, {
            "difference": gap(0, 1) - theta * gap(2, 3),
            "variance": sum((y - theta * x).var(ddof=1) / len(y) for y, x in zip(now, before))}))
    return cases


def lin():
    cases = []
    for round in range(40):
        k = int(rng.integers(1, 4))
        # The first is the small sample in which the five variances differ most.
        sizes = (8, 9) if round == 0 else rng.integers(8, 80, 2)
        k = 1 if round == 0 else k
        arms = [rows(int(n), k, s) for n, s in zip(sizes, (0.0, 0.4))]
        y = np.concatenate([arm[:, 0] for arm in arms])
        x = np.concatenate([arm[:, 1:] for arm in arms])
        x = x - x.mean(axis=0)
        t = np.repeat([0.0, 1.0], [len(arm) for arm in arms])
        design = np.column_stack([np.ones(len(y)), t, x, x * t[:, None]])
        for robust in ["classical", "hc0", "hc1", "hc2", "hc3"]:
            fit = sm.OLS(y, design).fit(cov_type="nonrobust" if robust == "classical" else robust.upper())
            cases.append(case("lin", {
                "control": [arm.tolist() for arm in arms[0]], "treatment": [arm.tolist() for arm in arms[1]],
                "robust": robust}, {"difference": fit.params[1], "variance": fit.cov_params()[1, 1]}))
    return cases


def strata():
    cases = []
    for _ in range(30):
        count = int(rng.integers(2, 8))
        cells = {arm: [rng.normal(i, 1 + 0.3 * i, int(rng.integers(2, 60))) for i in range(count)] for arm in "ct"}
        sizes = np.array([len(c) + len(t) for c, t in zip(cells["c"], cells["t"])])
        weights = sizes / sizes.sum()
        # A regression on stratum dummies with unequal variances: the cell means and their own variances.
        change = sum(w * (t.mean() - c.mean()) for w, c, t in zip(weights, cells["c"], cells["t"]))
        variance = sum(w * w * (t.var(ddof=1) / len(t) + c.var(ddof=1) / len(c)) for w, c, t in zip(weights, cells["c"], cells["t"]))
        pack = lambda arm: [[len(v), float(v.mean()), float(v.var(ddof=1))] for v in cells[arm]]
        cases.append(case("strata", {"control": pack("c"), "treatment": pack("t")}, {"difference": change, "variance": variance}))
    return cases


write("variance_reduction", cuped() + several() + ratio() + lin() + strata(),
      ["gbstats", "tea-tasting", "statsmodels", "numpy"])
