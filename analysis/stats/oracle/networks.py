"""Oracle cases of network experiments: statsmodels, and CR2 with the rows of every cluster written out."""

import itertools

import numpy as np
import statsmodels.api as sm
from scipy import stats

from record import Cases

cases = Cases("networks", ["scipy", "statsmodels", "numpy"])
rng = np.random.default_rng(55)


def experiment(clusters, covariates):
    """Rows of a cluster-randomised experiment with a cluster effect and slopes."""
    arm, group, y, x = [], [], [], []
    for g in range(clusters):
        size, shared, treated = int(rng.integers(1, 40)), rng.normal(0, 1), g % 2
        for _ in range(size):
            row = rng.normal(2, 1, covariates)
            arm.append(treated), group.append(g), x.append(row)
            y.append(1 + 0.3 * treated + shared + 0.5 * row.sum() + rng.normal(0, 2))
    return np.array(arm), np.array(group), np.array(y), np.array(x).reshape(len(y), covariates)


def summed(arm, group, y, x):
    found = []
    for g in np.unique(group):
        rows = group == g
        products = x[rows].T @ x[rows]
        found.append(
            {
                "arm": int(arm[rows][0]),
                "units": float(rows.sum()),
                "outcome": y[rows].sum(),
                "covariates": list(x[rows].sum(axis=0)),
                "covariate_products": [products[i, j] for i in range(len(products)) for j in range(i + 1)],
                "covariate_outcomes": list(x[rows].T @ y[rows]),
            }
        )
    return found


def cr2(design, y, group, contrast):
    """Bell and McCaffrey (2002) with full n by n matrices: variance and Satterthwaite degrees of freedom."""
    bread = np.linalg.inv(design.T @ design)
    hat = design @ bread @ design.T
    residual = y - hat @ y
    maker = np.eye(len(y)) - hat
    variance, columns = 0.0, []
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        values, vectors = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        weight = adjust @ design[rows] @ bread @ contrast
        variance += (weight @ residual[rows]) ** 2
        columns.append(maker[:, rows] @ weight)
    form = np.array(columns) @ np.array(columns).T
    return variance, np.trace(form) ** 2 / (form**2).sum()


for clusters, covariates in itertools.product([4, 5, 8, 12, 20, 40], [0, 1, 2]):
    if clusters <= covariates + 2:
        continue
    for _ in range(4):
        arm, group, y, x = experiment(clusters, covariates)
        design = np.column_stack([arm == 0, arm == 1, x - x.mean(axis=0)]).astype(float)
        contrast = np.zeros(design.shape[1])
        contrast[:2] = [-1, 1]
        given = {"clusters": summed(arm, group, y, x), "control": 0, "treatment": 1}
        fit = sm.OLS(y, design).fit()
        robust = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": group, "use_correction": True})
        test = robust.t_test(contrast)
        common = {"/control": fit.params[0], "/treatment": fit.params[1], "/difference/value": fit.params[1] - fit.params[0]}
        cases.add(
            "clusters",
            given | {"variance": "cr1"},
            common | {"/difference/variance": float(test.sd.item()) ** 2, "/difference/degrees_of_freedom": clusters - 1},
                    )
        variance, degrees = cr2(design, y, group, contrast)
        lift = contrast.copy()
        lift[:2] = [-fit.params[1] / fit.params[0] ** 2, 1 / fit.params[0]]
        lift_variance, lift_degrees = cr2(design, y, group, lift)
        cases.add(
            "clusters",
            given | {"variance": "cr2"},
            common
            | {
                "/difference/variance": variance,
                "/difference/degrees_of_freedom": degrees,
                "/lift/value": fit.params[1] / fit.params[0] - 1,
                "/lift/variance": lift_variance,
                "/lift/degrees_of_freedom": lift_degrees,
            },
                    )

flat = [{"arm": a, "units": 3.0, "outcome": 6.0, "covariates": [], "covariate_products": [], "covariate_outcomes": []} for a in (0, 0, 1, 1)]
cases.reason("clusters", {"clusters": flat, "control": 0, "treatment": 1, "variance": "cr2"}, "no_variance")
cases.reason("clusters", {"clusters": flat[:3], "control": 0, "treatment": 1, "variance": "cr2"}, "too_few_units")
cases.reason("clusters", {"clusters": flat, "control": 0, "treatment": 0, "variance": "cr1"}, "out_of_domain")
twin = [c | {"covariates": [6.0], "covariate_products": [12.0], "covariate_outcomes": [12.0]} for c in flat]
cases.reason("clusters", {"clusters": twin, "control": 0, "treatment": 1, "variance": "cr2"}, "singular_covariates")

# --- Intracluster correlation: one-way random effects by the analysis of variance ----------------------------------------

for _ in range(10):
    arm, group, y, _ = experiment(int(rng.integers(6, 30)), 0)
    frame = [(arm[group == g][0], y[group == g]) for g in np.unique(group)]
    arm_mean = {a: y[arm == a].mean() for a in (0, 1)}
    g_total, n_total = len(frame), len(y)
    between = sum(len(v) * (v.mean() - arm_mean[a]) ** 2 for a, v in frame) / (g_total - 2)
    within = sum(((v - v.mean()) ** 2).sum() for _, v in frame) / (n_total - g_total)
    size = sum(sum(len(v) for b, v in frame if b == a) - sum(len(v) ** 2 for b, v in frame if b == a) / sum(len(v) for b, v in frame if b == a) for a in (0, 1)) / (g_total - 2)
    cases.add(
        "icc",
        {"clusters": summed(arm, group, y, np.empty((len(y), 0))), "squares": (y**2).sum()},
        {"": (between - within) / (between + (size - 1) * within)},
            )

# --- Switchback: HAC of statsmodels, and the working model of independent blocks with full matrices ---------------------------


def working_model(arm, weight, series, period, lags):
    """Share of the variance of independent blocks that the kernel keeps, and Satterthwaite's degrees of freedom."""
    share = weight / np.where(arm == 1, weight[arm == 1].sum(), weight[arm == 0].sum())
    same = np.equal.outer(arm, arm)
    gap = np.abs(np.subtract.outer(period, period))
    near = np.equal.outer(series, series) * np.maximum(0, 1 - gap / (lags + 1))
    score = np.diag(np.where(arm == 1, share, -share))
    residual = np.eye(len(arm)) - same * share[None, :]
    form = residual.T @ score @ near @ score @ residual
    return np.trace(form) / (share**2).sum(), np.trace(form) ** 2 / (form**2).sum()


for periods, lags, weight in itertools.product([12, 30, 80], [0, 1, 3], ["unit", "block"]):
    for trimmed in (0, 1, 2):
        bins_per = 4
        treated = rng.integers(0, 2, periods)
        treated[:4] = [0, 1, 1, 0]
        noise = np.convolve(rng.normal(0, 1, periods + 3), [1, 0.6, 0.3, 0.1], "valid")
        bins, blocks = [], []
        previous, distance = None, 0
        for p in range(periods):
            kept = []
            for b in range(bins_per):
                distance = distance + 1 if previous == treated[p] else 0
                previous = treated[p]
                units = float(rng.integers(5, 60))
                outcome = units * (3 + 0.4 * treated[p] + noise[p]) + rng.normal(0, 3)
                bins.append({"time": p * bins_per + b, "period": p, "treated": bool(treated[p]), "units": units, "outcome": outcome})
                if distance >= trimmed:
                    kept.append((units, outcome))
            if kept:
                blocks.append((p, treated[p], sum(u for u, _ in kept), sum(o for _, o in kept)))
        order = np.array([b[0] for b in blocks])
        arm, units, outcome = (np.array([b[i] for b in blocks], float) for i in (1, 2, 3))
        w = units if weight == "unit" else np.ones(len(units))
        design = np.column_stack([np.ones(len(arm)), arm])
        fit = sm.WLS(outcome / units, design, weights=w).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
        assert len(order) == periods or trimmed
        if len(order) != periods:
            continue
        plan = {"trimmed_bins": trimmed, "weight": weight, "correlation": "within_market", "kernel_lags": lags}
        kept, degrees = working_model(arm, w, np.zeros(len(arm)), order, lags)
        size = len(arm)
        plain = fit.bse[1] ** 2 * (size - 2) / size
        for small_sample, variance, freedom in [("blocks_less_two", fit.bse[1] ** 2, size - 2), ("satterthwaite", plain / kept, degrees)]:
            cases.add(
                "switchback",
                {"markets": [bins], "plan": plan | {"small_sample": small_sample}},
                {
                    "/control": fit.params[0],
                    "/treatment": fit.params[0] + fit.params[1],
                    "/difference/value": fit.params[1],
                    "/difference/variance": variance,
                    "/difference/degrees_of_freedom": freedom,
                },
            )

# Several markets: Newey-West within panels and Driscoll-Kraay over them.
for markets, periods, lags in itertools.product([2, 5], [10, 25], [0, 2]):
    panel, rows = [], []
    shock = rng.normal(0, 1, periods)
    for m in range(markets):
        treated = rng.integers(0, 2, periods)
        treated[:2] = [0, 1]
        bins = []
        for p in range(periods):
            units = float(rng.integers(20, 90))
            outcome = units * (2 + 0.3 * treated[p] + shock[p] + rng.normal(0, 0.5))
            bins.append({"time": p, "period": p, "treated": bool(treated[p]), "units": units, "outcome": outcome})
            rows.append((m, p, treated[p], units, outcome))
        panel.append(bins)
    rows = np.array(rows, float)
    design, w = np.column_stack([np.ones(len(rows)), rows[:, 2]]), rows[:, 3]
    model = sm.WLS(rows[:, 4] / w, design, weights=w)
    n = len(rows)
    within = model.fit(cov_type="hac-panel", cov_kwds={"groups": rows[:, 0].astype(int), "maxlags": lags, "use_correction": False})
    across = model.fit(cov_type="hac-groupsum", cov_kwds={"time": rows[:, 1].astype(int), "maxlags": lags, "use_correction": False})
    for correlation, fit, count in [("within_market", within, n), ("across_markets", across, periods)]:
        plan = {"trimmed_bins": 0, "weight": "unit", "correlation": correlation, "kernel_lags": lags}
        plain = fit.bse[1] ** 2
        series = rows[:, 0] * (correlation == "within_market")
        kept, degrees = working_model(rows[:, 2], w, series, rows[:, 1], lags)
        for small_sample, variance, freedom in [("blocks_less_two", plain * count / (count - 2), count - 2), ("satterthwaite", plain / kept, degrees)]:
            cases.add(
                "switchback",
                {"markets": panel, "plan": plan | {"small_sample": small_sample}},
                {"/difference/value": fit.params[1], "/difference/variance": variance, "/difference/degrees_of_freedom": freedom},
            )

short = [{"time": t, "period": t, "treated": t == 1, "units": 1.0, "outcome": 1.0} for t in range(3)]
easy = {"trimmed_bins": 0, "weight": "unit", "correlation": "within_market", "kernel_lags": None}
cases.reason("switchback", {"markets": [short], "plan": easy}, "too_few_units")
cases.reason("switchback", {"markets": [short + short[1:2] + [{"time": 9, "period": 1, "treated": False, "units": 1.0, "outcome": 0.0}]], "plan": easy}, "out_of_domain")

# --- Geo: pairs and exact randomisation ----------------------------------------------------------------------------------------

for pairs in (3, 5, 9, 12):
    for _ in range(4):
        t, c = rng.normal(0.4, 1, pairs), rng.normal(0, 1, pairs)
        n_t, n_c = rng.integers(50, 500, pairs), rng.integers(50, 500, pairs)
        w = (n_t + n_c) / (n_t + n_c).sum()
        d = w * (t - c)
        flips = np.array(list(itertools.product([1, -1], repeat=pairs))) @ d
        cases.add(
            "pairs",
            {"pairs": [{"treatment": {"outcome": t[i], "units": float(n_t[i])}, "control": {"outcome": c[i], "units": float(n_c[i])}} for i in range(pairs)]},
            {
                "/difference/value": d.sum(),
                "/difference/variance": pairs / (pairs - 1) * ((d - d.mean()) ** 2).sum(),
                "/difference/degrees_of_freedom": pairs - 1,
                "/exact": np.mean(np.abs(flips) >= abs(d.sum()) * (1 - 1e-12)),
            },
        )
        x, y = rng.normal(0.8, 1, pairs - 1), rng.normal(0, 1, pairs)
        test = stats.permutation_test((x, y), lambda a, b: np.abs(np.mean(a) - np.mean(b)), n_resamples=np.inf, alternative="greater", vectorized=False) if pairs <= 9 else None
        if test is not None:
            cases.add("randomisation", {"control": list(y), "treatment": list(x)}, {"": test.pvalue})

cases.write()
