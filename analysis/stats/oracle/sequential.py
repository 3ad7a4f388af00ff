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


def spent(kind, t, alpha, sides=2):
    t, alpha = mp.mpf(t), mp.mpf(alpha)
    if kind == "o_brien_fleming":
        return 2 * sides * Phi(-quantile(alpha / (2 * sides)) / mp.sqrt(t))
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


class Recursion:
    """The sub-density over the looks on 400 Gauss-Legendre nodes between the boundaries: another rule and grid than ours."""

    NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)

    def __init__(self, sides):
        self.sides, self.at = sides, None

    def tail(self, t, z):
        """P(Z_t > z) among the paths that never left."""
        if self.at is None:
            return float(st.norm.sf(z))
        before, x, mass = self.at
        return float((mass * st.norm._sf((z * math.sqrt(t) - x * math.sqrt(before)) / math.sqrt(t - before))).sum())

    def advance(self, t, bound):
        bound = min(bound, 9.0)
        low = -bound if self.sides == 2 else -9.0
        x = 0.5 * (bound - low) * self.NODES + 0.5 * (bound + low)
        weight = 0.5 * (bound - low) * self.WEIGHTS
        if self.at is None:
            density = st.norm._pdf(x)
        else:
            before, y, mass = self.at
            gap = math.sqrt(t - before)
            step = st.norm._pdf((x[:, None] * math.sqrt(t) - y[None, :] * math.sqrt(before)) / gap)
            density = (step * mass[None, :]).sum(axis=1) * math.sqrt(t) / gap
        self.at = (t, x, weight * density)


def by_recursion(information, spending, sides, cap=None, alpha=None):
    """Boundaries that spend `spending` (cumulative, over all sides); with a cap, where it costs no more than is left."""
    path, bounds, used = Recursion(sides), [], 0.0
    for t, target in zip(information, spending):
        left = (float(target) - used) / sides
        bound = brentq(lambda z: math.log(path.tail(t, z) / left), -3, 8.5, xtol=1e-13) if left > 0 else math.inf
        if cap is not None and cap < bound and sides * path.tail(t, cap) <= alpha - used:
            bound = cap
        used += sides * path.tail(t, bound)
        bounds.append(bound)
        path.advance(t, bound)
    return bounds


def many_looks():
    """Three to six looks, one and two sides, with a cap and with an early end."""
    cases = []
    looks = [[0.25, 0.5, 0.75, 1.0], [0.3, 0.35, 0.9, 1.0], [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]]
    kinds = ["o_brien_fleming", "pocock", {"power": {"rho": 1.0}}, {"power": {"rho": 3.0}}]
    named = lambda bounds: {f"look{k + 1}": bound for k, bound in enumerate(bounds)}
    for information in looks:
        for kind in kinds:
            for alpha in (0.05, 0.01):
                for sides, name in [(1, "one_sided"), (2, "boundaries")]:
                    given = {"spending": kind, "alpha": alpha, "information": information}
                    plan = [spent(kind, t, alpha, sides) for t in information]
                    cases.append(case(name, given, named(by_recursion(information, plan, sides)), ITERATIVE))
                    # The last look but two ends the test: what is left of alpha is spent there.
                    short = information[:-2]
                    ended = by_recursion(short, [*plan[: len(short) - 1], alpha], sides)
                    at_end = "at_end" if sides == 2 else "one_sided_at_end"
                    cases.append(case(at_end, given | {"information": short}, named(ended), ITERATIVE))
    for cap, alpha in [(3.0, 0.05), (2.5, 0.05), (2.2, 0.05), (1.97, 0.05), (3.3, 0.005)]:
        for sides, name in [(1, "one_sided"), (2, "boundaries")]:
            given = {"spending": "o_brien_fleming", "alpha": alpha, "information": [0.2, 0.5, 0.8, 1.0], "cap": cap}
            plan = [spent("o_brien_fleming", t, alpha, sides) for t in given["information"]]
            bounds = by_recursion(given["information"], plan, sides, cap, alpha)
            cases.append(case(name, given, named(bounds), ITERATIVE))
    cases.append(case("boundaries", {"spending": "o_brien_fleming", "alpha": 0.05, "information": [0.5, 1.0], "cap": 1.9}, "out_of_domain"))
    return cases


def one_sided_inference():
    """Stagewise inference of one-sided designs: a single integral for two looks, and repeated ends."""
    cases = []
    for kind, t1, alpha in [("o_brien_fleming", 0.5, 0.05), ("o_brien_fleming", 0.65, 0.025), ("pocock", 0.3, 0.05)]:
        first = float(spent(kind, t1, alpha, 1))
        b1 = float(quantile(mp.mpf(first)))
        b2 = by_recursion([t1, 1.0], [first, alpha], 1)[1]
        for z in [-1.0, 0.8, 1.9, 2.6]:
            def as_high(drift):
                later = quad(lambda x: st.norm._pdf(x - drift * math.sqrt(t1)) * st.norm._sf(
                    (z - x * math.sqrt(t1) - drift * (1 - t1)) / math.sqrt(1 - t1)), -14, b1, epsabs=0, epsrel=1e-11, limit=400)[0]
                return st.norm.sf(b1 - drift * math.sqrt(t1)) + later
            end = lambda target: brentq(lambda d: as_high(d) - target, z - 8, z + 8, xtol=1e-11)
            cases.append(case("stagewise_one_sided", {"spending": kind, "alpha": alpha, "information": [t1, 1.0], "z": z},
                              {"p_value": as_high(0.0), "lower": end(alpha), "median": end(0.5), "upper": None,
                               "repeated_lower": z - b2, "repeated_upper": None}, ITERATIVE))
    return cases


def repeated():
    """Repeated intervals at the second look of two-sided designs: the statistic and its boundary there."""
    cases = []
    for kind, information, alpha in [("o_brien_fleming", [0.4, 0.8], 0.05), ("pocock", [0.3, 1.0], 0.1), ({"power": {"rho": 3.0}}, [0.5, 0.7], 0.01)]:
        bound = by_recursion(information, [spent(kind, t, alpha) for t in information], 2)[1]
        for z in [-0.7, 1.5]:
            cases.append(case("stagewise", {"spending": kind, "alpha": alpha, "information": information, "z": z},
                              {"repeated_lower": z - bound, "repeated_upper": z + bound}, ITERATIVE))
    return cases


def peeking():
    """A fixed test read at every look."""
    cases = []
    for alpha in (0.01, 0.05, 0.1):
        for information in ([1.0], [1.0, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0], [100.0, 130.0, 900.0], [float(d) for d in range(1, 15)]):
            path, total, bound = Recursion(2), 0.0, float(st.norm.isf(alpha / 2))
            for t in information:
                total += 2 * path.tail(t, bound)
                path.advance(t, bound)
            cases.append(case("peeking", {"alpha": alpha, "information": information}, {"actual": total}, ITERATIVE))
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


CASES = two_looks() + many_looks() + one_sided_inference() + repeated() + peeking() + published() + exits() + always_valid()
write("sequential", CASES, ["mpmath", "scipy", "gbstats", "numpy"])
