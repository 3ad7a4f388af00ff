"""Fixed-horizon cases: proportions, means, ratios, counts, relative effects, margins.

SciPy, statsmodels, gbstats and tea-tasting; mpmath (50 digits) where doubles lose digits.
"""

import itertools
import math

import mpmath as mp
import numpy as np
import scipy.stats as st
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, RatioStatistic, SampleMeanStatistic
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_chisquare, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from tea_tasting.aggr import Aggregates
from tea_tasting.metrics import Mean as TeaMean
from tea_tasting.metrics import RatioOfMeans

from record import case, write

mp.mp.dps = 50
rng = np.random.default_rng(20261125)


def proportions():
    cases = []

    def z(xc, nc, xt, nt, alpha):
        return {"control": [nc, xc], "treatment": [nt, xt], "alpha": alpha}

    for _ in range(80):
        nc, nt = (int(10 ** rng.uniform(1.5, 7)) for _ in range(2))
        rate = rng.uniform(0.01, 0.6)
        xc = int(rng.binomial(nc, rate))
        xt = int(rng.binomial(nt, min(0.99, rate * rng.uniform(0.8, 1.25))))
        alpha = float(rng.choice([0.01, 0.05, 0.1]))
        if xc == 0 or xt == 0 or xc == nc or xt == nt:
            continue
        statistic, p = proportions_ztest([xt, xc], [nt, nc])
        low, high = confint_proportions_2indep(xt, nt, xc, nc, method="wald", alpha=alpha)
        expected = {"statistic": statistic, "lower": low, "upper": high, "difference": xt / nt - xc / nc}
        if p > 1e-300:
            expected["p_value"] = p
        cases.append(case("z_test", z(xc, nc, xt, nt, alpha), expected))
    # Extremes, from whole numbers with 50 digits.
    extremes = [
        (0, 100, 3, 120), (5, 5, 1, 9), (1, 1, 0, 1), (0, 1, 1, 1), (500, 10_000, 550, 10_000),
        (100_000_000_000, 1_000_000_000_000, 100_000_100_000, 1_000_000_000_000),
        (100_000_000_000, 1_000_000_000_000, 100_010_000_000, 1_000_000_000_000),
        (10**11, 10**12, 10**11, 10**12), (10**9, 10**12, 10**9 + 1, 10**12), (1, 10**12, 30, 10**12),
        (600_000, 1_000_000, 585_000, 1_000_000), (3, 1000, 40, 1000), (12, 10**7, 190, 10**7),
        (502_000, 10**6, 498_000, 10**6), (999_999, 10**6, 999_950, 10**6),
    ]
    for xc, nc, xt, nt in extremes:
        pooled = mp.mpf(xc + xt) / (nc + nt)
        change = mp.mpf(xt) / nt - mp.mpf(xc) / nc
        statistic = change / mp.sqrt(pooled * (1 - pooled) * (mp.mpf(1) / nc + mp.mpf(1) / nt))
        p = mp.erfc(abs(statistic) / mp.sqrt(2))
        expected = {"statistic": statistic, "difference": change, "p_value": p}
        if xc and (xc, xt) != (nc, 0):
            expected["lift"] = change / (mp.mpf(xc) / nc)
        cases.append(case("z_test", z(xc, nc, xt, nt, 0.05), expected))
    for xc, nc, xt, nt, code in [
        (0, 10, 0, 10, "no_variance"), (10, 10, 10, 10, "no_variance"), (0, 0, 1, 10, "no_units"),
        (0, 0, 0, 0, "no_units"), (0, 10**12, 0, 10**12, "no_variance"),
    ]:
        cases.append(case("z_test", z(xc, nc, xt, nt, 0.05), code))
    for _ in range(40):
        arms = int(rng.integers(2, 7))
        units = [int(10 ** rng.uniform(2, 6)) for _ in range(arms)]
        converted = [int(rng.binomial(n, 0.2 * rng.uniform(0.9, 1.1))) for n in units]
        statistic, p, _ = proportions_chisquare(converted, units)
        cases.append(case("chi_square", {"arms": [list(pair) for pair in zip(units, converted)]},
                          {"statistic": statistic, "df": arms - 1, "p_value": p}))
    return cases


def means():
    cases = []

    def given(c, t, alpha):
        return {"control": list(c), "treatment": list(t), "alpha": alpha}

    for i in range(70):
        n = [int(10 ** rng.uniform(0.5, 6)) for _ in range(2)]
        mean = rng.uniform(1, 100)
        arms = [(max(size, 2), mean * rng.uniform(0.95, 1.05), rng.uniform(0.1, 4) * mean) for size in n]
        (nc, mc, vc), (nt, mt, vt) = arms
        alpha = float(rng.choice([0.01, 0.05, 0.1]))
        test = st.ttest_ind_from_stats(mt, vt**0.5, nt, mc, vc**0.5, nc, equal_var=False)
        interval = test.confidence_interval(1 - alpha) if hasattr(test, "confidence_interval") else None
        se = math.sqrt(vc / nc + vt / nt)
        df = (vc / nc + vt / nt) ** 2 / ((vc / nc) ** 2 / (nc - 1) + (vt / nt) ** 2 / (nt - 1))
        reach = st.t.isf(alpha / 2, df) * se
        expected = {"difference": mt - mc, "statistic": test.statistic, "p_value": test.pvalue,
                    "df": df, "lower": mt - mc - reach, "upper": mt - mc + reach}
        assert interval is None or abs(interval[0] / expected["lower"] - 1) < 1e-6
        cases.append(case("welch", given(arms[0], arms[1], alpha), expected))
        # The lift as gbstats has it: delta method, Welch degrees of freedom of the difference.
        stats = [SampleMeanStatistic(n=n, sum=n * m, sum_squares=v * (n - 1) + n * m * m) for n, m, v in arms]
        result = TwoSidedTTest(stats[0], stats[1], FrequentistConfig(alpha=alpha, difference_type="relative")).compute_result()
        if mc / math.sqrt(vc / nc) > 30.001:
            cases.append(case("lift", given(arms[0], arms[1], alpha), {
                "lift": result.expected, "standard_error": result.uplift.stddev,
                "lower": result.ci[0], "upper": result.ci[1]}))
        tea = TeaMean("x", confidence_level=1 - alpha, equal_var=False, use_t=True).analyze_aggregates(
            *[Aggregates(count_=n, mean_={"x": m}, var_={"x": v}, cov_={}) for n, m, v in arms])
        cases.append(case("welch", given(arms[0], arms[1], alpha), {
            "p_value": tea.pvalue, "lower": tea.effect_size_ci_lower, "upper": tea.effect_size_ci_upper}))
    for arms, code in [
        (((1, 5.0, 0.0), (10, 6.0, 1.0)), "too_few_units"),
        (((10, 5.0, 0.0), (10, 6.0, 0.0)), "no_variance"),
        (((0, 0.0, 0.0), (10, 6.0, 0.0)), "too_few_units"),
    ]:
        cases.append(case("welch", given(arms[0], arms[1], 0.05), code))
    # A trillion units and a lift of one in a million.
    for nc, mc, vc, nt, mt, vt in [(10**12, 1.0, 1.0, 10**12, 1.000001, 1.0), (10**12, 1e-9, 1e-6, 10**12, 1.5e-9, 1e-6),
                                   (10**10, 1e12, 1e20, 10**10, 1.000001e12, 1e20)]:
        change, se = mp.mpf(mt) - mp.mpf(mc), mp.sqrt(mp.mpf(vc) / nc + mp.mpf(vt) / nt)
        cases.append(case("normal", given((nc, mc, vc), (nt, mt, vt), 0.05), {
            "difference": change, "statistic": change / se, "p_value": mp.erfc(abs(change / se) / mp.sqrt(2)),
            "lift": change / mp.mpf(mc)}))
    return cases


def ratios():
    cases = []
    for _ in range(60):
        arms = []
        for _ in range(2):
            n = int(rng.integers(20, 400))
            den = rng.poisson(4, n) + 1
            num = rng.binomial(den, rng.uniform(0.2, 0.3)) * rng.uniform(0.5, 2, n)
            arms.append((num, den.astype(float)))
        sums = [{"units": len(a), "first": a.sum(), "second": b.sum(), "first_squared": (a * a).sum(),
                 "second_squared": (b * b).sum(), "product": (a * b).sum()} for a, b in arms]
        stats = [RatioStatistic(n=s["units"], m_statistic=SampleMeanStatistic(n=s["units"], sum=s["first"], sum_squares=s["first_squared"]),
                                d_statistic=SampleMeanStatistic(n=s["units"], sum=s["second"], sum_squares=s["second_squared"]),
                                m_d_sum_of_products=s["product"]) for s in sums]
        out = {}
        for kind in ["absolute", "relative"]:
            out[kind] = TwoSidedTTest(stats[0], stats[1], FrequentistConfig(alpha=0.05, difference_type=kind)).compute_result()
        tea = RatioOfMeans("a", "b", confidence_level=0.95, equal_var=False, use_t=True).analyze_aggregates(
            *[Aggregates(count_=len(a), mean_={"a": a.mean(), "b": b.mean()}, var_={"a": a.var(ddof=1), "b": b.var(ddof=1)},
                         cov_={("a", "b"): np.cov(a, b)[0, 1]}) for a, b in arms])
        cases.append(case("ratio", {"control": sums[0], "treatment": sums[1], "alpha": 0.05}, {
            "difference": out["absolute"].expected, "lower": out["absolute"].ci[0], "upper": out["absolute"].ci[1],
            "lift": out["relative"].expected, "p_value": tea.pvalue, "control": tea.control}))
    zero = {"units": 5, "first": 3.0, "second": 0.0, "first_squared": 3.0, "second_squared": 0.0, "product": 0.0}
    cases.append(case("ratio", {"control": zero, "treatment": zero, "alpha": 0.05}, "zero_denominator"))
    return cases


def counts():
    cases = []
    for _ in range(40):
        exposure = [float(np.round(10 ** rng.uniform(1, 5), 3)) for _ in range(2)]
        rate = 10 ** rng.uniform(-2, 0.5)
        events = [int(rng.poisson(rate * e * f)) for e, f in zip(exposure, (1.0, rng.uniform(0.8, 1.3)))]
        total, share = sum(events), exposure[1] / sum(exposure)
        if total == 0:
            continue
        p = min(1.0, 2 * min(st.binom.sf(events[1] - 1, total, share), st.binom.cdf(events[1], total, share)))
        change = events[1] / exposure[1] - events[0] / exposure[0]
        variances = [x / e**2 for x, e in zip(events, exposure)]
        if 0 in events:
            # An arm without an event takes the pooled rate's variance, and the other too if that is more cautious.
            pooled = [total / sum(exposure) / e for e in exposure]
            both = sum(pooled) >= sum(variances)
            variances = pooled if both else [v or p for v, p in zip(variances, pooled)]
        se = math.sqrt(sum(variances))
        z = st.norm.isf(0.025)
        cases.append(case("count", {"control": [events[0], exposure[0]], "treatment": [events[1], exposure[1]]},
                          {"p_value": p, "lower": change - z * se, "upper": change + z * se}))
    return cases


def fieller():
    cases = []
    z = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))
    for c, vc, t, vt in itertools.product([0.5, 2.0, -3.0, 0.01], [0.04, 1.0], [0.0, 1.0, 9.0], [0.09, 2.0]):
        if abs(c) / vc**0.5 >= 10:
            continue
        a = mp.mpf(c) ** 2 - z * z * mp.mpf(vc)
        b, k = -2 * mp.mpf(t) * mp.mpf(c), mp.mpf(t) ** 2 - z * z * mp.mpf(vt)
        disc = b * b - 4 * a * k
        given = {"control": [c, vc], "treatment": [t, vt]}
        if disc < 0:
            cases.append(case("fieller", given, {"shape": 2}))
            continue
        roots = sorted([(-b - mp.sqrt(disc)) / (2 * a) - 1, (-b + mp.sqrt(disc)) / (2 * a) - 1])
        cases.append(case("fieller", given, {"shape": 0 if a > 0 else 1, "low": roots[0], "high": roots[1]}))
    return cases


def wilson():
    cases = []
    for x, n in [(0, 1), (1, 1), (0, 100), (100, 100), (3, 1000), (5, 10), (99, 9900), (123_456, 10**6), (10**11, 10**12), (1, 10**9)]:
        for alpha in (0.05, 0.01):
            low, high = proportion_confint(x, n, alpha, method="wilson")
            expected = {"upper": high} if x == 0 or low / high < 1e-3 else {"lower": low, "upper": high}
            cases.append(case("wilson", {"arm": [n, x], "alpha": alpha}, expected))
    return cases


def zero_arms():
    """z tests with an arm that converted wholly or not at all: the interval by the rule of METHODS.md, 50 digits."""
    cases = []
    z = mp.sqrt(2) * mp.erfinv(mp.mpf("0.95"))
    for (nc, xc), (nt, xt) in [((9900, 99), (100, 0)), ((1, 0), (1000, 500)), ((100, 100), (9900, 9801)), ((1000, 0), (1000, 20)),
                               ((9900, 0), (100, 3)), ((10, 0), (10, 10))]:
        p = mp.mpf(xc + xt) / (nc + nt)
        pooled = [p * (1 - p) / n for n in (nc, nt)]
        own = [mp.mpf(x) * (n - x) / mp.mpf(n) ** 3 for x, n in ((xc, nc), (xt, nt))]
        used = pooled if sum(pooled) >= sum(own) else [o if o else q for o, q in zip(own, pooled)]
        change, se = mp.mpf(xt) / nt - mp.mpf(xc) / nc, mp.sqrt(sum(used))
        cases.append(case("z_test", {"control": [nc, xc], "treatment": [nt, xt], "alpha": 0.05},
                          {"lower": change - z * se, "upper": change + z * se}))
        # The rule of two standard deviations, more is better: by the larger of both standard errors.
        harm = -change / max(se, mp.sqrt(sum(pooled)))
        cases.append(case("two_standard_deviations", {"control": [nc, xc], "treatment": [nt, xt]},
                          {"harm": harm, "p_value": mp.erfc(harm / mp.sqrt(2)) / 2}))
    return cases


def guardrails():
    """Two standard deviations and margins of means by Welch, from SciPy."""
    cases = []
    for _ in range(15):
        arms = [(int(rng.integers(10, 200)), float(rng.uniform(9, 11)), float(rng.uniform(0.5, 4))) for _ in range(2)]
        (nc, mc, vc), (nt, mt, vt) = arms
        test = st.ttest_ind_from_stats(mt, vt**0.5, nt, mc, vc**0.5, nc, equal_var=False)
        cases.append(case("two_standard_deviations_of_means", {"control": list(arms[0]), "treatment": list(arms[1])},
                          {"harm": -test.statistic, "p_value": st.norm.cdf(test.statistic)}))
        df = (vc / nc + vt / nt) ** 2 / ((vc / nc) ** 2 / (nc - 1) + (vt / nt) ** 2 / (nt - 1))
        margin = float(rng.uniform(0.1, 0.6))
        beyond = st.ttest_ind_from_stats(mt + margin, vt**0.5, nt, mc, vc**0.5, nc, equal_var=False)
        cases.append(case("guardrail_margin", {"control": list(arms[0]), "treatment": list(arms[1]), "margin": margin},
                          {"harm": -beyond.statistic, "p_value": st.t.cdf(beyond.statistic, df)}))
        # A margin of a share: the treatment against the control times the ratio that the margin allows.
        share = float(rng.uniform(0.02, 0.1))
        ratio = 1 - share
        scaled = st.ttest_ind_from_stats(mt, vt**0.5, nt, ratio * mc, ratio * vc**0.5, nc, equal_var=False)
        p = st.t.sf(scaled.statistic, df)
        cases.append(case("non_inferior_relative", {"control": list(arms[0]), "treatment": list(arms[1]), "margin": share, "alpha": 0.05},
                          {"p_value": p}))
    return cases


def margins():
    cases = []
    for _ in range(40):
        x = rng.normal(10, 2, int(rng.integers(8, 60)))
        y = rng.normal(10 + rng.uniform(-0.5, 0.5), 3, int(rng.integers(8, 60)))
        arms = [(len(a), a.mean(), a.var(ddof=1)) for a in (x, y)]
        margin = float(rng.uniform(0.3, 2))
        compare = CompareMeans(DescrStatsW(y), DescrStatsW(x))
        given = {"control": list(arms[0]), "treatment": list(arms[1]), "margin": margin, "alpha": 0.05}
        lower, upper = compare.tconfint_diff(alpha=0.05 * 2, usevar="unequal")
        worse = compare.ttest_ind(alternative="larger", usevar="unequal", value=-margin)[1]
        higher = compare.ttest_ind(alternative="smaller", usevar="unequal", value=margin)[1]
        cases.append(case("non_inferior_increase", given, {"p_value": worse, "lower": lower, "upper": None}))
        cases.append(case("non_inferior_decrease", given, {"p_value": higher, "lower": None, "upper": upper}))
        p = compare.ttost_ind(-margin, margin, usevar="unequal")[0]
        cases.append(case("equivalent", given, {"p_value": p, "lower": lower, "upper": upper}))
    return cases


PACKAGES = ["scipy", "statsmodels", "gbstats", "tea-tasting", "mpmath", "numpy"]
CASES = proportions() + means() + ratios() + counts() + fieller() + margins() + wilson() + zero_arms() + guardrails()
write("fixed", CASES, PACKAGES)
