"""Oracle cases of planning: statsmodels, tea-tasting, SciPy."""

import numpy as np
from scipy import optimize, stats
from scipy.stats import multivariate_normal, norm
from statsmodels.stats.power import TTestIndPower, normal_power_het
from statsmodels.stats.proportion import power_proportions_2indep

from record import Cases

cases = Cases("design", ["scipy", "statsmodels", "numpy"])
rng = np.random.default_rng(5)


def plan(alpha=0.05, hypothesis="two_sided", control=0.5, treatment=0.5, null="unpooled", reference="normal", factor=1.0, inflation=1.0):
    return {
        "alpha": alpha,
        "hypothesis": hypothesis,
        "control_share": control,
        "treatment_share": treatment,
        "null_variance": null,
        "reference": reference,
        "variance_factor": factor,
        "inflation": inflation,
    }


def proportion(rate):
    return {"kind": "proportion", "rate": rate}


def mean(value, variance):
    return {"kind": "mean", "mean": value, "variance": variance}


# --- Power of means, unpooled: normal_power_het, both tails --------------------------------------------------------

for _ in range(60):
    alpha = float(rng.choice([0.01, 0.05, 0.1]))
    share = float(rng.uniform(0.1, 0.9))
    units, variance = float(rng.integers(100, 100000)), float(rng.uniform(0.5, 50))
    difference = float(rng.normal(0, 3) * np.sqrt(variance / units) * 2)
    deviation = np.sqrt(variance / (units * (1 - share)) + variance / (units * share))
    power = normal_power_het(difference, 1, alpha, std_null=deviation, std_alternative=deviation)
    one = norm.sf(norm.isf(alpha) - abs(difference) / deviation)
    common = {"metric": mean(10.0, variance), "change": {"absolute": difference}, "units": units}
    cases.add("power", common | {"plan": plan(alpha, control=1 - share, treatment=share)}, {"": power})
    cases.add("power", common | {"plan": plan(alpha, "one_sided", control=1 - share, treatment=share)}, {"": one})

# --- Power of proportions: pooled under the null, statsmodels ---------------------------------------------------------

for _ in range(60):
    alpha = float(rng.choice([0.01, 0.05]))
    n1, ratio = int(rng.integers(200, 50000)), float(rng.uniform(0.3, 3))
    rate = float(rng.uniform(0.01, 0.6))
    difference = float(rng.uniform(-0.3, 0.3) * rate * min(1, 3000 / n1))
    units = n1 * (1 + ratio)
    # statsmodels: prop1 = diff + prop2, nobs2 = ratio * nobs1; the first sample is our treatment.
    found = power_proportions_2indep(difference, rate, n1, ratio=ratio, alpha=alpha, return_results=True)
    pooled = normal_power_het(difference, n1, alpha, std_null=found.std_null, std_alternative=found.std_alt)
    cases.add(
        "power",
        {"metric": proportion(rate), "change": {"absolute": difference}, "units": units, "plan": plan(alpha, control=ratio / (1 + ratio), treatment=1 / (1 + ratio), null="pooled")},
        {"": pooled},
    )
    unpooled = normal_power_het(difference, n1, alpha, std_null=found.std_alt, std_alternative=found.std_alt)
    cases.add(
        "power",
        {"metric": proportion(rate), "change": {"absolute": difference}, "units": units, "plan": plan(alpha, control=ratio / (1 + ratio), treatment=1 / (1 + ratio))},
        {"": unpooled},
    )

# --- Student: noncentral t of statsmodels ---------------------------------------------------------------------------

solver = TTestIndPower()
for _ in range(50):
    alpha, ratio = float(rng.choice([0.01, 0.05])), float(rng.uniform(0.5, 2))
    n1 = int(rng.integers(3, 80))
    effect = float(rng.uniform(0.1, 1.6))
    share = ratio / (1 + ratio)
    for hypothesis, alternative in [("two_sided", "two-sided"), ("one_sided", "larger")]:
        power = solver.power(effect, n1, alpha, ratio=ratio, alternative=alternative)
        if not np.isfinite(power):
            continue
        cases.add(
            "power",
            {"metric": mean(3.0, 4.0), "change": {"absolute": 2 * effect}, "units": n1 * (1 + ratio), "plan": plan(alpha, hypothesis, 1 - share, share, reference="student")},
            {"": power},
        )

# --- Sample sizes -----------------------------------------------------------------------------------------------------

for _ in range(40):
    alpha, power = float(rng.choice([0.01, 0.05, 0.1])), float(rng.choice([0.7, 0.8, 0.9, 0.95]))
    effect, ratio = float(rng.uniform(0.02, 0.9)), float(rng.uniform(0.5, 2))
    share = ratio / (1 + ratio)
    n1 = solver.solve_power(effect, alpha=alpha, power=power, ratio=ratio)
    cases.add(
        "units",
        {"metric": mean(3.0, 4.0), "change": {"absolute": 2 * effect}, "power": power, "plan": plan(alpha, control=1 - share, treatment=share, reference="student")},
        {"": n1 * (1 + ratio)},
        relative=1e-6,
    )
    variance = 4.0 / (1 - share) + 4.0 / share
    exact = optimize.brentq(lambda n: normal_power_het(2 * effect, n, alpha, std_null=np.sqrt(variance), std_alternative=np.sqrt(variance)) - power, 0.01, 1e7, xtol=1e-10, rtol=1e-13)
    factor, inflation = float(rng.uniform(0.3, 3)), float(rng.uniform(1, 1.3))
    cases.add(
        "units",
        {"metric": mean(3.0, 4.0), "change": {"absolute": 2 * effect}, "power": power, "plan": plan(alpha, control=1 - share, treatment=share, factor=factor, inflation=inflation)},
        {"": exact * factor * inflation},
        relative=1e-9,
    )

# Rounded up per arm. The textbook formula has the near tail only: that is a one-sided plan with half of alpha. Two-sided
# power counts both tails; at 80% the far one is 1e-6, which moves n by 2e-6 of itself and some of these by one unit.


def both_tails(null, alternative, difference):
    """Units per arm at which both tails together have 80%; `null` and `alternative` are standard errors at one unit."""
    shortfall = lambda n: normal_power_het(difference, n, 0.05, std_null=null, std_alternative=alternative) - 0.8
    return optimize.brentq(shortfall, 1, 1e16, xtol=1e-9, rtol=1e-15)


for rate, lift in [(0.1, 0.1), (0.05, 0.05), (0.2, -0.02), (0.5, 0.01), (0.01, 0.2), (0.02, 1.0)]:
    p1, p2 = rate, rate * (1 + lift)
    own = np.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    pooled = np.sqrt(2 * (p1 + p2) / 2 * (1 - (p1 + p2) / 2))
    for null, name in [(own, "unpooled"), (pooled, "pooled")]:
        near = ((norm.isf(0.025) * null + norm.ppf(0.8) * own) / (p2 - p1)) ** 2
        for hypothesis, alpha, per_arm in [("one_sided", 0.025, near), ("two_sided", 0.05, both_tails(null, own, abs(p2 - p1)))]:
            arm = int(np.ceil(per_arm))
            cases.add(
                "sample_size",
                {"metric": proportion(rate), "change": {"relative": lift}, "power": 0.8, "plan": plan(alpha, hypothesis, null=name)},
                {"/control": arm, "/treatment": arm, "/total": 2 * arm},
                relative=0.0,
            )

# --- Non-inferiority and equivalence -----------------------------------------------------------------------------------

for _ in range(40):
    units, variance, margin = float(rng.integers(500, 50000)), float(rng.uniform(1, 9)), float(rng.uniform(0.05, 0.4))
    error = np.sqrt(4 * variance / units)
    difference = float(rng.uniform(-0.4, 0.4) * margin)
    z = norm.isf(0.05)
    cases.add(
        "power",
        {"metric": mean(3.0, variance), "change": {"absolute": difference}, "units": units, "plan": plan(0.05, {"non_inferiority": {"margin": margin}})},
        {"": norm.cdf((difference + margin) / error - z)},
    )
    both = max(0.0, norm.cdf((margin - difference) / error - z) - norm.cdf(z - (margin + difference) / error))
    cases.add(
        "power",
        {"metric": mean(3.0, variance), "change": {"absolute": difference}, "units": units, "plan": plan(0.05, {"equivalence": {"margin": margin}})},
        {"": both},
        absolute=1e-15,
    )

# --- Minimum detectable change ------------------------------------------------------------------------------------------

for _ in range(40):
    alpha, power = float(rng.choice([0.01, 0.05])), float(rng.choice([0.8, 0.9]))
    rate, units, share = float(rng.uniform(0.02, 0.4)), float(rng.integers(5000, 500000)), float(rng.uniform(0.2, 0.8))
    sign = float(rng.choice([-1, 1]))

    def reached(size):
        p = rate + sign * size
        deviation = np.sqrt(rate * (1 - rate) / (units * (1 - share)) + p * (1 - p) / (units * share))
        return normal_power_het(size, 1, alpha, std_null=deviation, std_alternative=deviation) - power

    size = optimize.brentq(reached, 1e-9, (1 - rate if sign > 0 else rate) * 0.999, xtol=1e-16, rtol=1e-14)
    cases.add(
        "minimum_detectable",
        {"metric": proportion(rate), "units": units, "power": power, "direction": "increase" if sign > 0 else "decrease", "plan": plan(alpha, control=1 - share, treatment=share)},
        {"/absolute": sign * size, "/relative": sign * size / rate},
    )
    variance, value = float(rng.uniform(1, 90)), float(rng.uniform(1, 50))
    deviation = np.sqrt(variance / (units * (1 - share)) + variance / (units * share))
    size = optimize.brentq(lambda d: normal_power_het(d, 1, alpha, std_null=deviation, std_alternative=deviation) - power, 1e-12, 100, xtol=1e-16, rtol=1e-14)
    cases.add(
        "minimum_detectable",
        {"metric": mean(value, variance), "units": units, "power": power, "direction": "increase", "plan": plan(alpha, control=1 - share, treatment=share)},
        {"/absolute": size, "/relative": size / value},
    )

# --- Detectable against a margin: the worst loss, the largest difference ---------------------------------------------------

own = np.random.default_rng(11)
for _ in range(10):
    units, variance, margin, power = float(own.integers(500, 20000)), float(own.uniform(1, 9)), float(own.uniform(0.2, 0.6)), float(own.choice([0.8, 0.9]))
    deviation = np.sqrt(4 * variance / units)
    given = {"metric": mean(10.0, variance), "units": units, "power": power, "direction": "increase"}
    worst = (norm.isf(0.05) + norm.ppf(power)) * deviation - margin
    cases.add("minimum_detectable", given | {"plan": plan(0.05, {"non_inferiority": {"margin": margin}})}, {"/absolute": worst, "/relative": worst / 10}, absolute=1e-12)
    reach = margin / deviation - norm.isf(0.05)
    shown = lambda size: norm.cdf(reach - size / deviation) - norm.cdf(-reach - size / deviation)
    equivalent = {"plan": plan(0.05, {"equivalence": {"margin": margin}})}
    if reach <= 0 or shown(0.0) < power:
        cases.reason("minimum_detectable", given | equivalent, "out_of_domain")
    else:
        largest = optimize.brentq(lambda size: shown(size) - power, 0, margin, xtol=1e-16, rtol=1e-14)
        cases.add("minimum_detectable", given | equivalent, {"/absolute": largest}, absolute=1e-12)
        cases.add("minimum_detectable", given | equivalent | {"direction": "decrease"}, {"/absolute": -largest}, absolute=1e-12)
# Even every unit of a small experiment converted would not be significant.
cases.reason("minimum_detectable", {"metric": proportion(0.9), "units": 20.0, "power": 0.8, "direction": "increase", "plan": plan()}, "out_of_domain")

# --- A treatment with a variance of its own -----------------------------------------------------------------------------------

for _ in range(10):
    units, share = float(own.integers(500, 20000)), float(own.uniform(0.2, 0.8))
    v_c, v_t, difference = (float(x) for x in own.uniform(0.5, 9, 3))
    difference *= 0.03
    n_c, n_t = units * (1 - share), units * share
    deviation = np.sqrt(v_c / n_c + v_t / n_t)
    pooled = np.sqrt(((1 - share) * v_c + share * v_t) * (1 / n_c + 1 / n_t))
    metric = mean(10.0, v_c) | {"treatment_variance": v_t}
    for null, under in [("unpooled", deviation), ("pooled", pooled)]:
        cases.add("power", {"metric": metric, "change": {"absolute": difference}, "units": units, "plan": plan(control=1 - share, treatment=share, null=null)},
                  {"": normal_power_het(difference, 1, 0.05, std_null=under, std_alternative=deviation)})

# --- Duration: day by day ---------------------------------------------------------------------------------------------------

for _ in range(15):
    traffic, units = float(own.uniform(0.1, 1)), float(own.integers(1000, 200000))
    daily = float(own.integers(500, 9000))
    curve = np.cumsum(own.uniform(500, 4000, int(own.integers(1, 20)))).tolist()
    for arrivals, seen in [
        ({"per_day": daily}, lambda day: daily * day),
        ({"distinct": curve}, lambda day: curve[day - 1] if day <= len(curve) else curve[-1] + (day - len(curve)) * (
            (curve[-1] - curve[max(0, len(curve) - 8)]) / (min(8, len(curve)) - 1) if len(curve) > 1 else curve[-1])),
    ]:
        day = next(day for day in range(1, 4000) if traffic * seen(day) >= units)
        cases.add("duration", {"units": units, "arrivals": arrivals, "traffic": traffic}, {"/days": day, "/whole_weeks": -(-day // 7)})

# --- Other kinds: the variance they stand for --------------------------------------------------------------------------

for _ in range(20):
    units, difference = float(rng.integers(2000, 90000)), float(rng.uniform(0.01, 0.1))
    rate, exposure, dispersion = float(rng.uniform(0.5, 5)), float(rng.uniform(1, 30)), float(rng.uniform(1, 4))
    v = [(r * dispersion / exposure) for r in (rate, rate + difference)]
    deviation = np.sqrt(2 * (v[0] + v[1]) / units)
    cases.add(
        "power",
        {"metric": {"kind": "count", "rate": rate, "exposure": exposure, "dispersion": dispersion}, "change": {"absolute": difference}, "units": units, "plan": plan()},
        {"": normal_power_het(difference, 1, 0.05, std_null=deviation, std_alternative=deviation)},
    )
    level, density = float(rng.uniform(0.1, 0.95)), float(rng.uniform(0.1, 2))
    deviation = np.sqrt(4 * level * (1 - level) / density**2 / units)
    cases.add(
        "power",
        {"metric": {"kind": "quantile", "value": 7.0, "level": level, "density": density}, "change": {"relative": difference / 7}, "units": units, "plan": plan()},
        {"": normal_power_het(difference, 1, 0.05, std_null=deviation, std_alternative=deviation)},
    )
    variance = float(rng.uniform(0.5, 3))
    deviation = np.sqrt(4 * variance / units)
    cases.add(
        "power",
        {"metric": {"kind": "ratio", "ratio": 0.8, "variance": variance}, "change": {"relative": difference}, "units": units, "plan": plan()},
        {"": normal_power_het(0.8 * difference, 1, 0.05, std_null=deviation, std_alternative=deviation)},
    )

# --- Midway: B-values ------------------------------------------------------------------------------------------------------

for _ in range(40):
    value, error, growth = float(rng.normal(0, 0.02)), float(rng.uniform(0.005, 0.02)), float(rng.uniform(1.05, 6))
    planned, prior = float(rng.choice([0.01, 0.02, -0.015])), (float(rng.normal(0, 0.01)), float(rng.uniform(0.005, 0.05)))
    t, final = 1 / growth, error / np.sqrt(growth)
    b = t * value / final
    z = norm.isf(0.025)
    both = lambda m, s: norm.sf((z - m) / s) + norm.cdf((-z - m) / s)
    given = lambda effect: both(b + (1 - t) * effect / final, np.sqrt(1 - t))
    precision = 1 / prior[1] ** 2 + 1 / error**2
    centre, spread = (prior[0] / prior[1] ** 2 + value / error**2) / precision, np.sqrt(1 / precision)
    predictive = both(b + (1 - t) * centre / final, np.sqrt((1 - t) + ((1 - t) * spread / final) ** 2))
    reach = z + norm.ppf(0.8)
    cases.add(
        "midway",
        {"value": value, "standard_error": error, "power": 0.8, "planned": planned, "growth": growth, "prior": {"informative": {"mean": prior[0], "standard_deviation": prior[1]}}},
        {
            "/information": t,
            "/detectable_now": reach * error,
            "/detectable_at_end": reach * final,
            "/power_at_end": both(planned / final, 1.0),
            "/conditional_power": given(planned),
            "/conditional_power_of_trend": given(value),
            "/predictive_power": predictive,
            "/units_factor": (reach * final / planned) ** 2,
        },
        relative=1e-9,
    )

# --- Sequential inflation: the joint normal distribution of the looks ------------------------------------------------------


def crossing(drift, limits, shares):
    shares, limits = np.array(shares), np.array(limits)
    covariance = np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares))
    inside = multivariate_normal.cdf(limits, mean=drift * np.sqrt(shares), cov=covariance, lower_limit=-limits, maxpts=4 * 10**5, abseps=1e-8, releps=1e-8, rng=np.random.default_rng(1))
    return 1 - inside


# Boundaries from facts.md's published Lan-DeMets table (K = 4) and SciPy's for two and three looks, given as they are.
for limits, shares in [
    ([4.3326, 2.9631, 2.3590, 2.0141], [0.25, 0.5, 0.75, 1.0]),
    ([2.3683, 2.3675, 2.3582, 2.3500], [0.25, 0.5, 0.75, 1.0]),
    ([2.9626, 1.9686], [0.5, 1.0]),
    ([3.2, 2.5, 2.05], [0.3, 0.7, 1.0]),
]:
    for power in (0.8, 0.9):
        fixed = optimize.brentq(lambda d: norm.sf(norm.isf(0.025) - d) + norm.cdf(-norm.isf(0.025) - d) - power, 1, 5, xtol=1e-12)
        drift = optimize.brentq(lambda d: crossing(d, limits, shares) - power, fixed * 0.9, fixed * 1.5, xtol=1e-7)
        cases.add(
            "inflation",
            {"limits": limits, "information": shares, "alpha": 0.05, "power": power},
            {"/maximum": (drift / fixed) ** 2},
            relative=5e-5,
        )

# --- Design effect, reasons -------------------------------------------------------------------------------------------------

for size, variation, icc in [(1, 0, 0.5), (20, 0, 0.05), (20, 0.6, 0.05), (500, 1.2, 0.01)]:
    cases.add("design_effect", {"size": size, "variation": variation, "correlation": icc}, {"": 1 + ((1 + variation**2) * size - 1) * icc})

tiny = {"metric": proportion(0.1), "change": {"relative": 1e-6}, "power": 0.8, "plan": plan()}
own = np.sqrt(0.1 * 0.9 + 0.1000001 * 0.8999999)
cases.add("units", tiny, {"": 2 * both_tails(own, own, 1e-7)}, relative=1e-9)
cases.add("units", tiny | {"plan": plan(0.025, "one_sided")}, {"": 2 * ((norm.isf(0.025) + norm.ppf(0.8)) * own / 1e-7) ** 2}, relative=1e-9)
rare = np.sqrt(0.01 * 0.99 + 0.01000001 * 0.98999999)
cases.add("units", tiny | {"metric": proportion(0.01)}, {"": 2 * both_tails(rare, rare, 1e-8)}, relative=1e-9)
cases.reason("units", tiny | {"metric": proportion(0.001), "change": {"relative": 1e-9}}, "out_of_domain")
cases.reason("units", tiny | {"metric": proportion(0.01), "plan": plan(inflation=1e6)}, "out_of_domain")
cases.reason("units", tiny | {"change": {"absolute": 0.0}}, "out_of_domain")
cases.reason("units", tiny | {"change": {"relative": 20.0}}, "out_of_domain")
cases.reason("units", tiny | {"metric": mean(0.0, 1.0)}, "zero_control")
cases.reason("units", tiny | {"power": 0.04}, "out_of_domain")
cases.reason("units", tiny | {"plan": plan(control=0.7, treatment=0.7)}, "out_of_domain")
cases.reason("units", tiny | {"metric": mean(1.0, 0.0)}, "no_variance")
cases.reason("units", tiny | {"metric": proportion(0.0), "change": {"absolute": 0.1}}, "no_variance")
cases.reason("units", tiny | {"metric": mean(1.0, 1.0), "change": {"absolute": -0.3}, "plan": plan(hypothesis={"non_inferiority": {"margin": 0.2}})}, "out_of_domain")

cases.write()
