"""Oracle cases of bandits: selection by SciPy quadrature, estimates by NumPy over single units."""

import numpy as np
from scipy import integrate
from scipy.special import ndtr

from record import Cases

cases = Cases("bandits", ["scipy", "numpy"])
rng = np.random.default_rng(5555)

# --- Selection probabilities --------------------------------------------------------------------------------------------------


def best_of(means, deviations):
    edges = np.unique(np.concatenate([np.array(means) + k * np.array(deviations) for k in (-12, -6, -3, -1, 0, 1, 3, 6, 12)]))
    found = []
    for i in range(len(means)):
        rivals = [j for j in range(len(means)) if j != i]
        own = lambda x: np.exp(-0.5 * ((x - means[i]) / deviations[i]) ** 2) / (deviations[i] * np.sqrt(2 * np.pi))
        f = lambda x: own(x) * np.prod([ndtr((x - means[j]) / deviations[j]) for j in rivals])
        found.append(sum(integrate.quad(f, lo, hi, epsabs=1e-15, epsrel=1e-11)[0] for lo, hi in zip(edges[:-1], edges[1:])))
    return np.array(found)


def top_two(best, beta):
    """Russo (2020): leader i, then a rival drawn again until it differs."""
    return np.array([best[i] * (beta + (1 - beta) * sum(best[j] / (1 - best[j]) for j in range(len(best)) if j != i)) for i in range(len(best))])


def rounded(shares, floor):
    missing, spare = np.maximum(floor - shares, 0).sum(), np.maximum(shares - floor, 0)
    shares = floor + spare * (spare.sum() - missing) / spare.sum()
    exact = shares * 10000
    points = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - points), kind="stable")[: 10000 - points.sum()]:
        points[i] += 1
    return points


for arms in (2, 3, 5, 8):
    for floor in (0.0, 0.02, 0.1):
        for _ in range(4):
            means, deviations = rng.normal(0, 1, arms), rng.uniform(0.3, 1.5, arms)
            best = best_of(means, deviations)
            for rule, selection in [("thompson", best), ({"top_two": {"leader_share": 0.5}}, top_two(best, 0.5)), ({"top_two": {"leader_share": 0.8}}, top_two(best, 0.8))]:
                points = rounded(selection / selection.sum(), floor)
                cases.add(
                    "weights",
                    {"means": list(means), "deviations": list(deviations), "policy": {"rule": rule, "minimum_share": floor, "burn_in": 0}},
                    {f"/basis_points/{i}": p for i, p in enumerate(points)} | {f"/probability_best/{i}": p for i, p in enumerate(best)},
                    relative=1e-9,
                )

# --- Estimates from logged probabilities -----------------------------------------------------------------------------------------

for trial in range(30):
    arms, batches = int(rng.integers(2, 5)), int(rng.integers(1, 8))
    truth = rng.uniform(0.05, 0.5, arms)
    log, units = [], []
    for b in range(batches):
        probability = rng.dirichlet(np.ones(arms) * 2) * 0.8 + 0.2 / arms
        n = int(rng.integers(20, 300))
        drawn = rng.choice(arms, n, p=probability)
        drawn[:arms] = np.arange(arms)
        reward = rng.binomial(1, truth[drawn]).astype(float) if trial % 2 else rng.normal(truth[drawn], 1)
        units.append((drawn, reward, probability))
        log.append([
            {"probability": probability[a], "rewards": {"units": int((drawn == a).sum()), "mean": reward[drawn == a].mean(), "squares": ((reward[drawn == a] - reward[drawn == a].mean()) ** 2).sum()}}
            for a in range(arms)
        ])

    def scores(arm, augmented, stable):
        """Score and weight of every single unit."""
        past, gamma, weight = [], [], []
        for drawn, reward, probability in units:
            model = np.mean(np.concatenate(past)) if augmented and past and len(np.concatenate(past)) else 0.0
            gamma.append(model + (drawn == arm) * (reward - model) / probability[arm])
            weight.append(np.full(len(drawn), np.sqrt(probability[arm]) if stable else 1.0))
            past.append(reward[drawn == arm])
        return np.concatenate(gamma), np.concatenate(weight)

    for augmented in (False, True):
        for stable in (False, True):
            choice = {"score": "aipw" if augmented else "ipw", "weight": "variance_stabilising" if stable else "uniform"}
            influence = {}
            for arm in (0, 1):
                gamma, h = scores(arm, augmented, stable)
                value = (h * gamma).sum() / h.sum()
                influence[arm] = (value, h * (gamma - value) / h.sum())
            cases.add("arm_value", {"batches": log, "arm": 1} | choice, {"/value": influence[1][0], "/variance": (influence[1][1] ** 2).sum()})
            cases.add(
                "arm_difference",
                {"batches": log, "control": 0, "treatment": 1} | choice,
                {"/value": influence[1][0] - influence[0][0], "/variance": ((influence[1][1] - influence[0][1]) ** 2).sum()},
            )

nothing = [{"probability": 0.5, "rewards": {"units": 0, "mean": 0.0, "squares": 0.0}}] * 2
cases.reason("arm_value", {"batches": [nothing], "arm": 0, "score": "aipw", "weight": "uniform"}, "no_units")
cases.reason("arm_value", {"batches": [nothing], "arm": 5, "score": "aipw", "weight": "uniform"}, "out_of_domain")
never = [{"probability": 0.0, "rewards": {"units": 0, "mean": 0.0, "squares": 0.0}}] * 2
cases.reason("arm_value", {"batches": [never], "arm": 0, "score": "ipw", "weight": "uniform"}, "out_of_domain")

cases.write()
