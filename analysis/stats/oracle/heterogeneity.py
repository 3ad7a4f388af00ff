"""Oracle cases of heterogeneity: statsmodels' meta-analysis, weighted least squares, SciPy."""

import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.oneway import anova_generic

from record import Cases

cases = Cases("heterogeneity", ["scipy", "statsmodels", "numpy"])
rng = np.random.default_rng(555)


def estimate(value, variance, units, df=None):
    return {"value": value, "variance": variance, "units": units, "degrees_of_freedom": df}


# --- Segments -------------------------------------------------------------------------------------------------------------

def shrunken(value, variance, tau2):
    """Morris (1983): estimates and variances of empirical Bayes with an estimated mean and spread."""
    k, weight = len(value), 1 / (variance + tau2)
    mean = np.average(value, weights=weight)
    pull = (k - 3) / (k - 1) * variance * weight
    unsure = 2 / (k - 3) * pull**2 * (np.average(variance, weights=weight) + tau2) * weight
    leverage = weight / weight.sum()
    return value - pull * (value - mean), variance * (1 - (1 - leverage) * pull) + unsure * (value - mean) ** 2


for k in (2, 3, 5, 12):
    for spread in (0.0, 0.5, 3.0):
        for method, name in [("holm", "holm"), ("fdr_bh", "benjamini_hochberg"), ("bonferroni", "bonferroni")]:
            variance = rng.uniform(0.01, 0.2, k)
            value = rng.normal(0.3, np.sqrt(variance)) + rng.normal(0, 0.3, k) * spread
            found = combine_effects(value, variance, method_re="dl")
            q = found.q
            df = k - 1
            tau2 = max(0.0, found.tau2)
            weight = 1 / variance
            common = (weight * value).sum() / weight.sum()
            expected = {
                "/test/common/value": common,
                "/test/common/variance": 1 / weight.sum(),
                "/test/statistic": q,
                "/test/p_value": stats.chi2.sf(q, df),
                "/test/i_squared": max(0.0, 1 - df / q),
                "/test/between_variance": tau2,
            }
            p = 2 * stats.norm.sf(np.abs(value) / np.sqrt(variance))
            rest_p = []
            for i in range(k):
                others = np.arange(k) != i
                rest = (weight[others] * value[others]).sum() / weight[others].sum()
                gap, error = value[i] - rest, np.sqrt(variance[i] + 1 / weight[others].sum())
                rest_p.append(2 * stats.norm.sf(abs(gap) / error))
                expected[f"/segments/{i}/versus_rest/estimate"] = gap
                expected[f"/segments/{i}/versus_rest/standard_error"] = error
            if k >= 4:
                for i, (shrunk, spread) in enumerate(zip(*shrunken(value, variance, tau2))):
                    expected[f"/segments/{i}/shrunken/estimate"] = shrunk
                    expected[f"/segments/{i}/shrunken/standard_error"] = np.sqrt(spread)
            for i, (one, other) in enumerate(zip(multipletests(p, method=method)[1], multipletests(rest_p, method=method)[1])):
                expected[f"/segments/{i}/adjusted_p"] = one
                expected[f"/segments/{i}/versus_rest_adjusted_p"] = other
            cases.add("segments", {"effects": [estimate(v, s, 100) for v, s in zip(value, variance)], "correction": name}, expected, absolute=1e-15)

cases.reason("segments", {"effects": [estimate(1.0, 1.0, 10)], "correction": "holm"}, "too_few_arms")
cases.reason("segments", {"effects": [estimate(1.0, 1.0, 10), estimate(1.0, 0.0, 10)], "correction": "holm"}, "no_variance")

# --- Interactions: least squares with Satterthwaite's degrees of freedom ---------------------------------------------------

for _ in range(40):
    n = rng.integers(5, 400, 4)
    s2 = rng.uniform(0.5, 4, 4)
    m = rng.normal(1, 0.3, 4)
    v = s2 / n
    did = (m[3] - m[2]) - (m[1] - m[0])
    df = v.sum() ** 2 / (v**2 / (n - 1)).sum()
    half = stats.t.ppf(0.975, df) * np.sqrt(v.sum())
    keys = ["neither", "first", "second", "both"]
    cases.add(
        "interaction",
        {key: estimate(m[i], v[i], int(n[i]), float(n[i] - 1)) for i, key in enumerate(keys)},
        {
            "/interaction/estimate": did,
            "/interaction/standard_error": np.sqrt(v.sum()),
            "/interaction/interval/lower": did - half,
            "/interaction/interval/upper": did + half,
            "/degrees_of_freedom": df,
            "/p_value": 2 * stats.t.sf(abs(did) / np.sqrt(v.sum()), df),
            "/first_without_second/estimate": m[1] - m[0],
            "/first_with_second/estimate": m[3] - m[2],
        },
    )

# Unequal variances, many arms: the residual sum of squares of the weighted additive fit.
for rows, columns in [(2, 2), (2, 3), (3, 3), (4, 2), (3, 5)]:
    for _ in range(4):
        y, v = rng.normal(0, 1, (rows, columns)) + 100, rng.uniform(0.1, 2, (rows, columns))
        design = np.array([[float(i == r) for r in range(rows)] + [float(j == c) for c in range(1, columns)] for i in range(rows) for j in range(columns)])
        fit = sm.WLS(y.ravel(), design, weights=1 / v.ravel()).fit()
        statistic = (fit.resid**2 / v.ravel()).sum()
        df = (rows - 1) * (columns - 1)
        cases.add(
            "table",
            {"table": [[estimate(y[i, j], v[i, j], 50) for j in range(columns)] for i in range(rows)]},
            {"/statistic": statistic, "/degrees_of_freedom": df, "/p_value": stats.chi2.sf(statistic, df)},
        )
        units = rng.integers(500, 900, (rows, columns))
        found = stats.chi2_contingency(units, correction=False)
        cases.add("independence", {"units": units.tolist()}, {"/statistic": found.statistic, "/degrees_of_freedom": found.dof, "/p_value": found.pvalue})

cases.reason("independence", {"units": [[5, 0], [7, 0]]}, "too_few_arms")
cases.reason("table", {"table": [[estimate(1.0, 1.0, 5), estimate(1.0, 0.0, 5)], [estimate(1.0, 1.0, 5), estimate(1.0, 1.0, 5)]]}, "no_variance")

# --- Honest tree: every partition of a small table tried out with NumPy ------------------------------------------------------


def arms(effect, n, noise):
    control, treatment = rng.normal(0, 1, n), rng.normal(effect, 1, n) + noise
    return tuple((len(a), a.mean(), ((a - a.mean()) ** 2).sum()) for a in (control, treatment))


def merged(parts):
    n = sum(p[0] for p in parts)
    mean = sum(p[0] * p[1] for p in parts) / n
    return n, mean, sum(p[2] + p[0] * (p[1] - mean) ** 2 for p in parts)


def effect_of(cells, half):
    c, t = (merged([cell[half][arm] for cell in cells]) for arm in (0, 1))
    v = [s / (n - 1) / n for n, _, s in (c, t)]
    df = sum(v) ** 2 / sum(x**2 / (n - 1) for x, (n, _, _) in zip(v, (c, t)))
    return t[1] - c[1], sum(v), df, c[0] + t[0]


for trial in range(12):
    levels = int(rng.integers(3, 7))
    high = rng.random(levels) < 0.5
    cells = [{0: arms(0.8 * high[level], 60, 0), 1: arms(0.8 * high[level], 60, 0)} for level in range(levels)]
    ordered = bool(trial % 2)
    total = [sum(cell[half][0][0] + cell[half][1][0] for cell in cells) for half in (0, 1)]
    score = lambda chosen: (lambda e: e[3] * (e[0] ** 2 - (1 + total[0] / total[1]) * e[1]))(effect_of(chosen, 0))
    order = list(range(levels)) if ordered else sorted(range(levels), key=lambda i: effect_of([cells[i]], 0)[0])
    best = None
    for cut in range(1, levels):
        left, right = [cells[i] for i in order[:cut]], [cells[i] for i in order[cut:]]
        gain = score(left) + score(right) - score(cells)
        if best is None or gain > best[0]:
            (a, va, da, _), (b, vb, db, _) = effect_of(left, 0), effect_of(right, 0)
            df = (va + vb) ** 2 / (va**2 / da + vb**2 / db)
            best = (gain, order[:cut], 2 * stats.t.sf(abs(a - b) / np.sqrt(va + vb), df))
    if ordered:
        split = best[0] > 0 and best[2] <= 0.05 / (levels - 1)
    else:
        # One test over all levels; the peer takes units and variances of values: V (ν + 1) from ν + 1 units each.
        value, variance, df, _ = map(np.array, zip(*(effect_of([cell], 0) for cell in cells)))
        split = best[0] > 0 and anova_generic(value, variance * (df + 1), df + 1, use_var="unequal").pvalue <= 0.05
    groups = [best[1], [i for i in range(levels) if i not in best[1]]] if split else [list(range(levels))]
    expected = {}
    for i, group in enumerate(groups):
        value, variance, df, _ = effect_of([cells[level] for level in group], 1)
        expected |= {f"/leaves/{i}/effect/value": value, f"/leaves/{i}/effect/variance": variance, f"/leaves/{i}/effect/degrees_of_freedom": df}
        expected[f"/leaves/{i}/training_effect"] = effect_of([cells[level] for level in group], 0)[0]
    if split:
        for i, group in enumerate(groups):
            for j, level in enumerate(sorted(group)):
                expected[f"/leaves/{i}/path/0/levels/{j}"] = level
    half = lambda part: {name: {"units": part[k][0], "mean": part[k][1], "squares": part[k][2]} for k, name in enumerate(("control", "treatment"))}
    cases.add(
        "tree",
        {
            "features": [{"levels": levels, "ordered": ordered}],
            "cells": [{"levels": [i], "training": half(cell[0]), "estimation": half(cell[1])} for i, cell in enumerate(cells)],
            "plan": {"depth": 1, "minimum_units": 20, "alpha_of_cut": 0.05},
        },
        expected,
    )

cases.write()
