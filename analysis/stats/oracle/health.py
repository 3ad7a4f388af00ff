"""Health checks, multiplicity and quantiles against SciPy, statsmodels, NumPy, mpmath and gbstats."""

import mpmath as mp
import numpy as np
import scipy.stats as st
import statsmodels.api as sm
from gbstats.models.statistics import QuantileClusteredStatistic
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from record import ITERATIVE, case, write

mp.mp.dps = 50
rng = np.random.default_rng(77)


def srm():
    cases = []
    for _ in range(60):
        arms = int(rng.integers(2, 8))
        weights = rng.integers(1, 10, arms).astype(float)
        units = rng.multinomial(int(10 ** rng.uniform(2, 8)), weights / weights.sum()) + rng.integers(0, 40, arms)
        result = st.chisquare(units, units.sum() * weights / weights.sum())
        cases.append(case("srm", {"units": units.tolist(), "weights": weights.tolist()},
                          {"statistic": result.statistic, "p_value": result.pvalue, "df": arms - 1}))
    for units, weights in [([821588, 815482], [1, 1]), ([502000, 498000], [1, 1]), ([10**6, 9 * 10**5], [1, 1]), ([10**12, 10**12 - 10**7], [1, 1]), ([10**12, 10**12], [1, 1]), ([0, 30], [1, 1]), ([1, 0], [3, 1])]:
        total = mp.mpf(sum(units))
        share = [mp.mpf(w) / sum(weights) for w in weights]
        statistic = sum((u - total * s) ** 2 / (total * s) for u, s in zip(units, share))
        p = mp.gammainc(mp.mpf(len(units) - 1) / 2, statistic / 2, mp.inf, regularized=True)
        expected = {"statistic": statistic}
        if p > mp.mpf("1e-300"):
            expected["p_value"] = p
        cases.append(case("srm", {"units": units, "weights": weights}, expected))
    for units, weights, code in [([0, 0], [1, 1], "no_units"), ([5, 5], [1, 0], "too_few_arms"), ([5], [1], "too_few_arms"), ([5, 5], [1, -1], "out_of_domain")]:
        cases.append(case("srm", {"units": units, "weights": weights}, code))
    return cases


def sequential_srm():
    cases = []
    for _ in range(40):
        arms = int(rng.integers(2, 6))
        weights = rng.integers(1, 6, arms).astype(float)
        share = [mp.mpf(w) / mp.mpf(weights.sum()) for w in weights]
        units = rng.multinomial(int(10 ** rng.uniform(1, 9)), weights / weights.sum()).tolist()
        units[0] += int(rng.integers(0, 3) * sum(units) ** 0.5)
        concentration = float(rng.choice([1.0, 100.0, 10_000.0]))
        a = mp.mpf(concentration)
        value = mp.loggamma(a) - mp.loggamma(a + sum(units))
        for u, s in zip(units, share):
            value += mp.loggamma(a * s + u) - mp.loggamma(a * s) - u * mp.log(s)
        if abs(value) < 0.05:
            continue
        cases.append(case("sequential_srm", {"units": units, "weights": weights.tolist(), "concentration": concentration},
                          {"ln_bayes_factor": value}))
    return cases


def crossed():
    cases = []
    for crossed, units in [(0, 50), (71, 57680), (150, 10_000), (3, 100), (50, 50), (1, 10**6), (12345, 10**6)]:
        low, high = proportion_confint(crossed, units, 0.05, "beta")
        cases.append(case("crossed", {"crossed": crossed, "units": units}, {"lower": low, "upper": high}, ITERATIVE))
    return cases


def balance():
    cases = []
    for _ in range(20):
        arms = int(rng.integers(2, 6))
        value, variance = rng.normal(10, 0.5, arms), rng.uniform(0.05, 0.5, arms)
        q = combine_effects(value, variance).q
        cases.append(case("balance", {"arms": [list(pair) for pair in zip(value, variance)]},
                          {"statistic": q, "p_value": st.chi2.sf(q, arms - 1)}))
    return cases


def novelty():
    cases = []
    for _ in range(20):
        count = int(rng.integers(4, 20))
        days = np.sort(rng.choice(40, count, replace=False))
        error = rng.uniform(0.05, 0.3, count)
        effect = 0.3 - 0.01 * days + rng.normal(size=count) * error
        rho = float(rng.choice([0.0, 0.3, 0.8]))
        covariance = np.outer(error, error) * (rho + (1 - rho) * np.eye(count))
        # Known covariance: the scale is one, so the fit's own scale is divided out.
        fit = sm.GLS(effect, np.column_stack([np.ones(count), days - days[0]]), sigma=covariance).fit()
        standard_error = np.sqrt(fit.normalized_cov_params[1, 1])
        level = sm.GLS(effect, np.ones(count), sigma=covariance).fit()
        q = float(level.wresid @ level.wresid)
        cases.append(case("novelty", {"days": [[int(d), float(e), float(s * s)] for d, e, s in zip(days, effect, error)], "correlation": rho},
                          {"slope": fit.params[1], "standard_error": standard_error, "first": fit.params[0],
                           "p_value": 2 * st.norm.sf(abs(fit.params[1]) / standard_error), "homogeneity": st.chi2.sf(q, count - 1)}))
    return cases


def multiplicity():
    cases = []
    for _ in range(30):
        p = np.concatenate([rng.uniform(0, 1, int(rng.integers(1, 20))), 10 ** rng.uniform(-12, -1, int(rng.integers(0, 8)))])
        for name, method in [("bonferroni", "bonferroni"), ("holm", "holm"), ("benjamini_hochberg", "fdr_bh")]:
            adjusted = multipletests(p, method=method)[1]
            expected = {"total": adjusted.sum(), "least": adjusted.min(), "first": adjusted[0], "last": adjusted[-1],
                        "found": float((adjusted <= 0.05).sum())}
            cases.append(case("multiplicity", {"p_values": p.tolist(), "correction": name}, expected))
    return cases


def quantiles():
    cases = []
    for _ in range(30):
        values = np.round(rng.lognormal(0, 1, int(rng.integers(1, 200))), 6)
        for name, method in [("inverse_distribution", "inverted_cdf"), ("linear", "linear")]:
            level = float(rng.choice([0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0]))
            cases.append(case("quantile", {"values": values.tolist(), "level": level, "rule": name},
                              {"value": np.quantile(values, level, method=method)}, 1e-12))
    for _ in range(25):
        clusters = int(rng.integers(100, 400))
        sizes = rng.poisson(4, clusters) + 1
        unit = rng.normal(size=clusters)
        events = np.round(np.exp(np.repeat(unit, sizes) * 0.6 + rng.normal(size=sizes.sum()) * 0.5), 9)
        owner = np.repeat(np.arange(clusters), sizes)
        nu, n = float(rng.choice([0.5, 0.9])), len(events)
        reach = st.norm.isf(0.025) * np.sqrt(nu * (1 - nu) / n)
        q, low, high = (np.quantile(events, level, method="inverted_cdf") for level in (nu, nu - reach, nu + reach))
        below = np.bincount(owner, events <= q, clusters)
        stat = QuantileClusteredStatistic(
            n=n, n_star=n, nu=nu, quantile_hat=q, quantile_lower=low, quantile_upper=high, main_sum=below.sum(),
            main_sum_squares=(below**2).sum(), denominator_sum=float(n), denominator_sum_squares=float((sizes**2).sum()),
            main_denominator_sum_product=(below * sizes).sum(), n_clusters=clusters)
        # gbstats states a variance per event and keeps a factor (n - 1) / n, which we leave out.
        variance = stat.variance_init / n * n / (n - 1)
        cases.append(case("clustered", {"owners": owner.tolist(), "values": events.tolist(), "level": nu}, {"value": q, "variance": variance}))
    return cases


write("health", srm() + sequential_srm() + crossed() + balance() + novelty() + multiplicity(), ["scipy", "statsmodels", "mpmath", "numpy"])
write("quantile", quantiles(), ["numpy", "scipy", "gbstats"])
