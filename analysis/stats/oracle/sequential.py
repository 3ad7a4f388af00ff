"""Group-sequential boundaries and inference, confidence sequences, mSPRT.

gbstats for its confidence sequence, mpmath and SciPy for what has a closed form or one integral. spotify-confidence
(which needs its own environment, see README) is in sequential_spotify.py.
"""

import math

import mpmath as mp
import numpy as np
import scipy.stats as st
from scipy.integrate import quad
from scipy.optimize import brentq
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic

from record import ITERATIVE, case, write

mp.mp.dps = 40
rng = np.random.default_rng(8)
Phi = mp.ncdf
phi = mp.npdf


def quantile(p):
    return mp.findroot(lambda z: mp.log(mp.erfc(z / mp.sqrt(2)) / 2) - mp.log(p), mp.sqrt(-2 * mp.log(p)) - 0.3)


def spent(kind, t, alpha):
    t, alpha = mp.mpf(t), mp.mpf(alpha)
    if kind == "o_brien_fleming":
        return 4 * Phi(-quantile(alpha / 4) / mp.sqrt(t))
    if kind == "o_brien_fleming_total":
        return 2 * Phi(-quantile(alpha / 2) / mp.sqrt(t))
    if kind == "pocock":
        return alpha * mp.log(1 + (mp.e - 1) * t)
    return alpha * t ** mp.mpf(kind["power"]["rho"])


def reach_second(b1, t1, t2, z, drift=0.0):
    """P(|Z1| < b1 and Z2 > z) for two looks, by one integral over the first statistic."""
    gap = math.sqrt(t2 - t1)
    tail = lambda x: st.norm._pdf(x - drift * math.sqrt(t1)) * st.norm._sf(
        (z * math.sqrt(t2) - x * math.sqrt(t1) - drift * (t2 - t1)) / gap)
    return quad(tail, -b1, b1, epsabs=0, epsrel=1e-11, limit=400)[0]


def stagewise(given, b1, t1, t2):
    """Inference at the second look, at information t2, with a standard error of 1 there."""
    cases = []
    for z in [0.4, 1.9, 2.6, -2.2]:
        def as_high(drift):
            return st.norm.sf(b1 - drift * math.sqrt(t1)) + reach_second(b1, t1, t2, z, drift)
        upper = as_high(0.0)
        naive = z / math.sqrt(t2)
        ends = (brentq(lambda d: as_high(d) - target, naive - 8, naive + 8, xtol=1e-11) for target in (0.025, 0.5, 0.975))
        # The statistic at a drift is drift times the root of the information, and the effect is the statistic here.
        lower, median, high = (end * math.sqrt(t2) for end in ends)
        # An end next to zero has no relative precision.
        ends = {name: end for name, end in [("lower", lower), ("median", median), ("upper", high)] if abs(end) > 0.05}
        cases.append(case("stagewise", {**given, "z": z}, {"p_value": 2 * min(upper, 1 - upper), **ends}, ITERATIVE))
    return cases


def two_looks():
    """Two looks have a one-dimensional integral: boundaries, exit probabilities and stagewise inference."""
    cases = []
    for kind in ["o_brien_fleming", "o_brien_fleming_total", "pocock", {"power": {"rho": 2.0}}, {"power": {"rho": 3.0}}]:
        for t1, alpha in [(0.2, 0.05), (0.5, 0.05), (0.8, 0.01), (0.65, 0.1)]:
            first = float(spent(kind, t1, alpha))
            b1 = float(quantile(first / 2))
            left = (alpha - first) / 2
            b2 = brentq(lambda z: math.log(reach_second(b1, t1, 1.0, z) / left), 0.5, 6, xtol=1e-12)
            given = {"spending": kind, "alpha": alpha, "information": [t1, 1.0]}
            cases.append(case("boundaries", given, {"look1": b1, "look2": b2, "spent1": first, "spent2": alpha}, ITERATIVE))
            if alpha == 0.05:
                cases += stagewise(given, b1, t1, 1.0)
                cases += stagewise({**given, "information": [t1, (1 + t1) / 2]}, b1, t1, (1 + t1) / 2)
    return cases


def published():
    """Tables: gsDesign and rpact (spending), Jennison and Turnbull 2000, tables 2.1 and 2.3 (classical)."""
    cases = []
    quarter = [0.25, 0.5, 0.75, 1.0]
    fifth = [0.2, 0.4, 0.6, 0.8, 1.0]
    for kind, information, values in [
        ("o_brien_fleming", quarter, [4.3326, 2.9631, 2.3590, 2.0141]),
        ("pocock", quarter, [2.3683, 2.3675, 2.3582, 2.3500]),
        ("o_brien_fleming", fifth, [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]),
    ]:
        expected = {f"look{i + 1}": value for i, value in enumerate(values)}
        cases.append(case("boundaries", {"spending": kind, "alpha": 0.05, "information": information}, expected, 5e-5))
    for alpha, pocock, fleming in [
        (0.01, [2.576, 2.772, 2.873, 2.939, 2.986, 3.023, 3.053, 3.078, 3.099, 3.117], [2.576, 2.580, 2.595, 2.609, 2.621, 2.631, 2.640, 2.648, 2.654, 2.660]),
        (0.05, [1.960, 2.178, 2.289, 2.361, 2.413, 2.453, 2.485, 2.512, 2.535, 2.555], [1.960, 1.977, 2.004, 2.024, 2.040, 2.053, 2.063, 2.072, 2.080, 2.087]),
        (0.10, [1.645, 1.875, 1.992, 2.067, 2.122, 2.164, 2.197, 2.225, 2.249, 2.270], [1.645, 1.678, 1.710, 1.733, 1.751, 1.765, 1.776, 1.786, 1.794, 1.801]),
    ]:
        for kind, constants in [("pocock", pocock), ("o_brien_fleming", fleming)]:
            for k, constant in enumerate(constants, start=1):
                # Tables print three decimals: half a unit of the last one.
                cases.append(case("classical", {"kind": kind, "looks": k, "alpha": alpha}, {"last": constant}, 0.00051 / constant))
    return cases


def exits():
    """Exit probabilities of up to four looks: the joint density integrated over the whole box at once."""
    cases = []
    nodes, weights = np.polynomial.legendre.leggauss(90)
    for information in [[0.3, 0.6, 1.0], [0.1, 0.5, 0.55, 1.0], [0.25, 0.5, 0.75, 1.0]]:
        bounds = [3.2, 2.6, 2.2, 2.0][: len(information)]
        increments = np.diff([0.0, *information])
        for drift in [0.0, 1.5, 3.0]:
            mass, score = np.ones(1), np.zeros(1)
            stay = [1.0]
            for b, t, step in zip(bounds, information, increments):
                # Every combination of the nodes of all looks so far: a product rule, not a recursion.
                inside = (st.norm.cdf((b * np.sqrt(t) - score - drift * step) / np.sqrt(step))
                          - st.norm.cdf((-b * np.sqrt(t) - score - drift * step) / np.sqrt(step)))
                stay.append(float((mass * inside).sum()))
                if t == information[-1]:
                    break
                new = nodes * b * np.sqrt(t)
                density = st.norm.pdf(new[None, :], score[:, None] + drift * step, np.sqrt(step))
                mass = (mass[:, None] * density * weights[None, :] * b * np.sqrt(t)).ravel()
                score = np.broadcast_to(new, density.shape).ravel()
            cases.append(case("exits", {"information": information, "bounds": bounds, "drift": drift},
                              {f"look{k + 1}": a - b for k, (a, b) in enumerate(zip(stay, stay[1:]))}, ITERATIVE))
    return cases


def always_valid():
    cases = []
    for _ in range(60):
        arms = [(int(10 ** rng.uniform(2, 6)), 10 * rng.uniform(0.97, 1.03), rng.uniform(1, 30)) for _ in range(2)]
        alpha = float(rng.choice([0.01, 0.05, 0.1]))
        tuning = float(rng.choice([500, 5000, 50000]))
        stats = [SampleMeanStatistic(n=n, sum=n * m, sum_squares=v * (n - 1) + n * m * m) for n, m, v in arms]
        for relative in ("absolute", "relative"):
            test = SequentialTwoSidedTTest(*stats, SequentialConfig(
                alpha=alpha, difference_type=relative, sequential_tuning_parameter=tuning))
            result = test.compute_result()
            expected = {"estimate": result.expected, "lower": result.ci[0], "upper": result.ci[1]}
            if relative == "absolute" and result.p_value > 1e-290:
                expected["p_value"] = result.p_value
            cases.append(case(f"sequence_{relative}", {"control": list(arms[0]), "treatment": list(arms[1]), "alpha": alpha, "tuning": tuning}, expected))
    for alpha in [0.001, 0.01, 0.05, 0.1, 0.3]:
        y = -mp.lambertw(-mp.mpf(alpha) ** 2 / mp.e, -1).real
        cases.append(case("exact_tuning", {"alpha": alpha, "units": 12345.0}, {"rho_squared": (y - 1) / 12345}))
    for _ in range(20):
        n, m, v = int(rng.integers(100, 10**5)), rng.uniform(-0.2, 0.2), rng.uniform(0.5, 2)
        tau = rng.uniform(0.01, 0.3)
        V = mp.mpf(2 * v / n)
        ratio = mp.sqrt(V / (V + tau**2)) * mp.exp(mp.mpf(tau) ** 2 * mp.mpf(m) ** 2 / (2 * V * (V + mp.mpf(tau) ** 2)))
        half = mp.sqrt(V * (V + mp.mpf(tau) ** 2) / mp.mpf(tau) ** 2 * (mp.log((V + mp.mpf(tau) ** 2) / V) - 2 * mp.log(mp.mpf("0.05"))))
        cases.append(case("msprt", {"control": [n, 0.0, v], "treatment": [n, m, v], "tau_squared": tau * tau},
                          {"ln_e": mp.log(ratio), "lower": m - half, "upper": m + half}))
    return cases


write("sequential", two_looks() + published() + exits() + always_valid(), ["mpmath", "scipy", "gbstats", "numpy"])
