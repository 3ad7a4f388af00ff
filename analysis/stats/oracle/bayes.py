"""Oracle cases of the Bayesian methods: mpmath quadrature, SciPy, gbstats."""

import itertools
import warnings

import mpmath as mp
import numpy as np
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.models.statistics import ProportionStatistic, SampleMeanStatistic
from scipy import integrate, optimize, special, stats

from record import ITERATIVE, Cases

mp.mp.dps = 40
warnings.simplefilter("ignore", integrate.IntegrationWarning)
cases = Cases("bayes", ["scipy", "mpmath", "numpy", "gbstats"])


# --- Beta-binomial: SciPy's quadrature on the logit scale ------------------------------------------------------------


def logit_points(arms):
    points = set()
    for a, b in arms:
        centre, scale = np.log(a / b), np.sqrt(1 / a + 1 / b)
        for k in (-30, -14, -9, -6, -4, -2, -1, 0, 1, 2, 4, 6, 9, 14, 30):
            points.add(centre + k * scale)
        points.add(centre - 60 * scale - 40 / a)
        points.add(centre + 60 * scale + 40 / b)
    return sorted(points)


def over(points, f):
    return sum(integrate.quad(f, lo, hi, epsabs=0, epsrel=1e-12, limit=200)[0] for lo, hi in zip(points[:-1], points[1:]) if f(0.5 * (lo + hi)) > 1e-60)


def standings_beta(arms):
    points = logit_points(arms)
    best, loss = [], []
    for i, (a, b) in enumerate(arms):
        rivals = [arm for j, arm in enumerate(arms) if j != i]
        front = float(-mp.log(mp.beta(a, b)))

        def density(u):
            return np.exp(front - a * np.log1p(np.exp(-u)) - b * np.log1p(np.exp(u)))

        def below(u, arm):
            return special.betainc(*arm, special.expit(u))

        def above(u, arm):
            return special.betaincc(*arm, special.expit(u))

        best.append(over(points, lambda u: density(u) * np.prod([below(u, arm) for arm in rivals])))
        some = lambda u: -np.expm1(sum(np.log1p(-above(u, arm)) for arm in rivals))
        loss.append(over(points, lambda u: below(u, (a, b)) * some(u) * special.expit(u) * special.expit(-u)))
    return best, loss


def seen(units, conversions):
    return {"units": units, "conversions": conversions}


TWO = [
    ((1000, 100), (1000, 110)),
    ((1000, 100), (1000, 130)),
    ((200, 0), (200, 3)),
    ((50, 50), (50, 48)),
    ((10, 1), (12, 5)),
    ((1, 0), (1, 1)),
    ((20000, 400), (10000, 230)),
]
for (control, treatment), prior in itertools.product(TWO, [(1.0, 1.0), (0.5, 0.5), (20.0, 180.0)]):
    arms = [(prior[0] + s, prior[1] + n - s) for n, s in (control, treatment)]
    best, loss = standings_beta(arms)
    cases.add(
        "standings_beta",
        {"prior": prior, "arms": [seen(*control), seen(*treatment)]},
        {"/0/probability_best": best[0], "/1/probability_best": best[1], "/0/expected_loss": loss[0], "/1/expected_loss": loss[1]},
        relative=1e-8,
    )

for arms_seen in [
    [(1000, 100), (1000, 110), (1000, 105)],
    [(300, 30), (500, 60), (100, 8), (900, 100)],
    [(5, 0), (5, 1), (5, 2), (5, 3), (5, 4)],
]:
    best, loss = standings_beta([(1.0 + s, 1.0 + n - s) for n, s in arms_seen])
    cases.add(
        "standings_beta",
        {"prior": (1.0, 1.0), "arms": [seen(*arm) for arm in arms_seen]},
        {f"/{i}/probability_best": v for i, v in enumerate(best)} | {f"/{i}/expected_loss": v for i, v in enumerate(loss)},
        relative=1e-8,
    )

# Where less is better: the rate of the complement, of which more is better.
for arms_seen in [[(1000, 100), (1000, 110), (1000, 105)], [(300, 30), (500, 60), (100, 8), (900, 100)], [(10, 1), (12, 5)]]:
    best, loss = standings_beta([(1.0 + n - s, 1.0 + s) for n, s in arms_seen])
    cases.add(
        "standings_beta",
        {"prior": (1.0, 1.0), "arms": [seen(*arm) for arm in arms_seen], "direction": "decrease"},
        {f"/{i}/probability_best": v for i, v in enumerate(best)} | {f"/{i}/expected_loss": v for i, v in enumerate(loss)},
        relative=1e-8,
    )

# Closed form for whole parameters: P(B > A) = sum over i < a_B of B(a_A + i, b_A + b_B) / ((b_B + i) B(1 + i, b_B) B(a_A, b_A))
# (Miller, "Formulas for Bayesian A/B testing", 2015), in exact arithmetic.
def miller(a_a, b_a, a_b, b_b):
    mp.mp.dps = 30
    total = mp.mpf(0)
    for i in range(a_b):
        total += mp.exp(
            mp.loggamma(a_a + i) + mp.loggamma(b_a + b_b) - mp.loggamma(a_a + i + b_a + b_b)
            - mp.log(b_b + i) - mp.loggamma(1 + i) - mp.loggamma(b_b) + mp.loggamma(1 + i + b_b)
            - mp.loggamma(a_a) - mp.loggamma(b_a) + mp.loggamma(a_a + b_a)
        )
    mp.mp.dps = 40
    return total


rng = np.random.default_rng(20261125)
for _ in range(60):
    n_a, n_b = (int(n) for n in rng.integers(5, 1200, 2))
    rate = rng.uniform(0.01, 0.6)
    s_a, s_b = int(rng.binomial(n_a, rate)), int(rng.binomial(n_b, min(1.0, rate * rng.uniform(0.6, 1.6))))
    better = miller(1 + s_a, 1 + n_a - s_a, 1 + s_b, 1 + n_b - s_b)
    cases.add(
        "contrast_beta",
        {"prior": (1.0, 1.0), "control": seen(n_a, s_a), "treatment": seen(n_b, s_b)},
        {"/probability_better": float(better)},
        relative=1e-9,
    )

# Credible intervals of difference and lift: distribution by SciPy's quadrature, inverted by brentq.
def beta_interval(arm_a, arm_b, move, start):
    (a1, b1), (a2, b2) = arm_a, arm_b
    centre = a1 / (a1 + b1)
    scale = np.sqrt(centre * (1 - centre) / (a1 + b1 + 1))
    points = np.clip([centre + k * scale for k in (-12, -6, -3, -1, 0, 1, 3, 6, 12)], 0, 1)

    def below(d):
        f = lambda x: stats.beta.pdf(x, a1, b1) * stats.beta.cdf(move(x, d), a2, b2)
        edges = np.unique(np.concatenate([[0], points, [1]]))
        return sum(integrate.quad(f, lo, hi, epsabs=1e-14, epsrel=1e-12)[0] for lo, hi in zip(edges[:-1], edges[1:]))

    return [optimize.brentq(lambda d: below(d) - p, *start, xtol=1e-13) for p in (0.025, 0.975)]


for (n_a, s_a), (n_b, s_b) in [((1000, 100), (1000, 120)), ((400, 40), (800, 70)), ((60, 12), (55, 20)), ((5000, 60), (5000, 50)), ((100, 95), (100, 99))]:
    a, b = (1 + s_a, 1 + n_a - s_a), (1 + s_b, 1 + n_b - s_b)
    difference = beta_interval(a, b, lambda x, d: np.clip(x + d, 0, 1), (-0.9, 0.9))
    lift = beta_interval(a, b, lambda x, d: np.clip(x * (1 + d), 0, 1), (-0.99, 6.0))
    cases.add(
        "contrast_beta",
        {"prior": (1.0, 1.0), "control": seen(n_a, s_a), "treatment": seen(n_b, s_b)},
        {
            "/difference/lower": difference[0],
            "/difference/upper": difference[1],
            "/lift/lower": lift[0],
            "/lift/upper": lift[1],
        },
        relative=1e-7,
    )
    low, high = stats.beta.ppf([0.025, 0.975], *b)
    cases.add(
        "posterior_beta",
        {"prior": (1.0, 1.0), "seen": seen(n_b, s_b)},
        {"/mean": stats.beta.mean(*b), "/standard_deviation": stats.beta.std(*b), "/interval/lower": low, "/interval/upper": high},
    )

# --- Extreme inputs ---------------------------------------------------------------------------------------------



def contrast_of_many(arm_a, arm_b):
    """Probability, loss and interval of a difference of two rates with millions of conversions and more, by mpmath.

    The density of the difference is a trapezoidal sum over the smooth product of both densities (error far below 1e-20
    at five points a standard deviation); its integrals are Gauss-Legendre sums over panels of one deviation.
    """

    def posterior(a, b):
        a, b = mp.mpf(a), mp.mpf(b)
        front = mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
        spread = mp.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
        return a / (a + b), spread, lambda x: mp.exp(front + (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x))

    (mean_a, spread_a, density_a), (mean_b, spread_b, density_b) = posterior(*arm_a), posterior(*arm_b)
    step = spread_a / 5
    grid = [(mean_a + k * step, step * density_a(mean_a + k * step)) for k in range(-55, 56)]
    density = lambda d: sum(weight * density_b(x + d) for x, weight in grid)
    gap, spread = mean_b - mean_a, mp.sqrt(spread_a**2 + spread_b**2)
    nodes = [(mp.mpf(x), mp.mpf(w)) for x, w in zip(*np.polynomial.legendre.leggauss(16))]

    def integral(f, start, end):
        panels = max(1, int(mp.ceil(abs(end - start) / spread)))
        half = (end - start) / panels / 2
        middles = [start + (2 * k + 1) * half for k in range(panels)]
        return sum(w * half * f(middle + x * half) for middle in middles for x, w in nodes)

    low, high = gap - 10 * spread, gap + 10 * spread
    better = integral(density, max(mp.mpf(0), low), high)
    loss = integral(lambda d: -d * density(d), low, mp.mpf(0))
    ends = []
    for p, z in [(0.025, -1.959963984540054), (0.025, 1.959963984540054)]:
        end = gap + z * spread
        for _ in range(3):
            # Newton's steps on the tail beyond the end.
            tail = integral(density, low, end) if z < 0 else integral(density, end, high)
            end -= (tail - p) / density(end) * (1 if z < 0 else -1)
        ends.append(end)
    return better, loss, ends


for n, p, lift in [(10**12, 0.1, 1e-6), (10**12, 1e-6, 1e-3), (10**12, 0.5, 3e-6), (10**12, 0.999999, 1e-9)]:
    s_a, s_b = round(n * p), round(n * p * (1 + lift))
    better, loss, (low, high) = contrast_of_many((1 + s_a, 1 + n - s_a), (1 + s_b, 1 + n - s_b))
    cases.add(
        "contrast_beta",
        {"prior": (1.0, 1.0), "control": seen(n, s_a), "treatment": seen(n, s_b)},
        {
            "/probability_better": better,
            "/loss_of_shipping": loss,
            "/difference/lower": low,
            "/difference/upper": high,
        },
        relative=ITERATIVE,
    )

# --- Normal arms: closed forms ----------------------------------------------------------------------------------


def unit_loss(z):
    z = mp.mpf(z)
    return mp.npdf(z) - z * mp.erfc(z / mp.sqrt(2)) / 2


def normal_prior(prior):
    return "flat" if prior is None else {"informative": {"mean": prior[0], "standard_deviation": prior[1]}}


def normal_update(prior, value, variance):
    if prior is None:
        return mp.mpf(value), mp.sqrt(mp.mpf(variance))
    precision = 1 / mp.mpf(prior[1]) ** 2 + 1 / mp.mpf(variance)
    return (prior[0] / mp.mpf(prior[1]) ** 2 + value / mp.mpf(variance)) / precision, mp.sqrt(1 / precision)


mp.mp.dps = 40
for _ in range(120):
    prior = None if rng.random() < 0.4 else (float(rng.normal(10, 3)), float(rng.uniform(0.1, 20)))
    arms = []
    for _ in range(2):
        n = int(rng.integers(2, 10**6))
        arms.append({"units": n, "mean": float(rng.normal(10, 2)), "squares": float(rng.uniform(0.5, 900) * (n - 1))})
    posts = [normal_update(prior, arm["mean"], arm["squares"] / (arm["units"] - 1) / arm["units"]) for arm in arms]
    gap, sd = posts[1][0] - posts[0][0], mp.sqrt(posts[0][1] ** 2 + posts[1][1] ** 2)
    z = gap / sd
    better = mp.erfc(-z / mp.sqrt(2)) / 2
    expected = {"/difference/lower": float(gap - mp.mpf(special.ndtri(0.975)) * sd), "/difference/upper": float(gap + mp.mpf(special.ndtri(0.975)) * sd)}
    if better > 1e-250:
        expected["/probability_better"] = float(better)
    if sd * unit_loss(z) > 1e-250:
        expected["/loss_of_shipping"] = float(sd * unit_loss(z))
    if sd * unit_loss(-z) > 1e-250:
        expected["/loss_of_keeping"] = float(sd * unit_loss(-z))
    cases.add("contrast_normal", {"prior": normal_prior(prior), "control": arms[0], "treatment": arms[1]}, expected)

# --- Student arms (reference prior): SciPy quadrature --------------------------------------------------------------

for n_a, n_b, gap in [(5, 6, 0.5), (12, 9, -0.3), (40, 35, 0.4), (400, 300, 0.1), (3, 20, 0.2)]:
    a = {"units": n_a, "mean": 2.0, "squares": 1.7 * (n_a - 1)}
    b = {"units": n_b, "mean": 2.0 + gap, "squares": 1.1 * (n_b - 1)}
    t_a = stats.t(n_a - 1, 2.0, np.sqrt(1.7 / n_a))
    t_b = stats.t(n_b - 1, 2.0 + gap, np.sqrt(1.1 / n_b))
    pieces = [-np.inf, -50, -10, -4, 0, 1, 2, 3, 4, 8, 14, 54, np.inf]
    area = lambda f: sum(integrate.quad(f, lo, hi, epsabs=1e-14, epsrel=1e-12, limit=200)[0] for lo, hi in zip(pieces[:-1], pieces[1:]))
    cases.add(
        "contrast_student",
        {"control": a, "treatment": b},
        {
            "/probability_better": area(lambda x: t_a.pdf(x) * t_b.sf(x)),
            "/loss_of_shipping": area(lambda x: t_b.cdf(x) * t_a.sf(x)),
            "/loss_of_keeping": area(lambda x: t_a.cdf(x) * t_b.sf(x)),
        },
        relative=1e-7,
    )

# --- Log-normal means: two nested integrals in SciPy ------------------------------------------------------------------


def eta_parameters(n, mean, variance):
    return mean, n, 0.5 * (n - 1), 0.5 * (n - 1) * variance


def eta_below(x, parameters):
    m, k, a, b = parameters
    mode = np.log(b / a)
    f = lambda t: stats.invgamma.pdf(np.exp(t), a, scale=b) * np.exp(t) * stats.norm.cdf((x - m - 0.5 * np.exp(t)) / np.sqrt(np.exp(t) / k))
    width = 1 / np.sqrt(a)
    edges = [mode + width * k for k in (-12, -6, -3, -1, 0, 1, 3, 6, 12, 30)]
    return sum(integrate.quad(f, lo, hi, epsabs=1e-14, epsrel=1e-12)[0] for lo, hi in zip(edges[:-1], edges[1:]))


for n, mean, variance in [(20, 3.0, 1.2), (150, 3.4, 0.8), (5000, 2.0, 2.5), (12, 0.5, 0.1)]:
    p = eta_parameters(n, mean, variance)
    centre = mean + 0.5 * variance
    ends = [optimize.brentq(lambda x: eta_below(x, p) - q, centre - 3, centre + 8, xtol=1e-13) for q in (0.025, 0.975)]
    cases.add(
        "posterior_lognormal",
        {"logs": {"units": n, "mean": mean, "squares": variance * (n - 1)}},
        {
            "/mean": mean + 0.5 * p[3] / (p[2] - 1),
            "/interval/lower": ends[0],
            "/interval/upper": ends[1],
            "/mean_interval/lower": np.exp(ends[0]),
            "/mean_interval/upper": np.exp(ends[1]),
        },
        relative=1e-8,
    )

# --- A normal prior on the effect: gbstats ------------------------------------------------------------------------

for i in range(150):
    relative = bool(i % 2)
    proper = rng.random() < 0.6
    prior = GaussianPrior(mean=float(rng.normal(0, 0.05)), variance=float(rng.uniform(0.01, 0.5)) ** 2, proper=proper)
    if i % 3 == 0:
        n = rng.integers(200, 200000, 2)
        stat_a, stat_b = (ProportionStatistic(n=int(m), sum=int(rng.binomial(m, 0.1))) for m in n)
    else:
        arms = []
        for _ in range(2):
            m = int(rng.integers(200, 200000))
            mean, sd = rng.normal(5, 0.05), rng.uniform(0.5, 4)
            arms.append(SampleMeanStatistic(n=m, sum=m * mean, sum_squares=m * mean**2 + (m - 1) * sd**2))
        stat_a, stat_b = arms
    # The "other scale" of the prior is a convention of gbstats alone, so the prior is on the effect's own scale here.
    config = EffectBayesianConfig(difference_type="relative" if relative else "absolute", prior_effect=prior, prior_type="relative" if relative else "absolute")
    result = EffectBayesianABTest(stat_a, stat_b, config).compute_result()
    from gbstats.frequentist.tests import frequentist_diff, frequentist_variance

    variance = frequentist_variance(stat_a.variance, stat_a.unadjusted_mean, stat_a.n, stat_b.variance, stat_b.unadjusted_mean, stat_b.n, relative)
    estimate = frequentist_diff(stat_a.mean, stat_b.mean, relative, stat_a.unadjusted_mean)
    expected = {
        "/mean": result.expected,
        "/standard_deviation": result.uplift.stddev,
        "/probability_better": result.chance_to_win,
        "/interval/lower": result.ci[0],
        "/interval/upper": result.ci[1],
    }
    # gbstats takes a difference of two nearly equal numbers where a loss is small against the deviation.
    if result.risk[1] > 1e-4 * result.uplift.stddev:
        expected["/loss_of_shipping"] = result.risk[1]
    if result.risk[0] > 1e-4 * result.uplift.stddev:
        expected["/loss_of_keeping"] = result.risk[0]
    cases.add(
        "effect",
        {
            "estimate": estimate,
            "standard_error": float(np.sqrt(variance)),
            "prior": normal_prior((prior.mean, float(np.sqrt(prior.variance))) if proper else None),
        },
        expected,
        relative=1e-9,
    )

# --- Reasons ---------------------------------------------------------------------------------------------------------

cases.reason("contrast_normal", {"prior": "flat", "control": {"units": 5, "mean": 1.0, "squares": 0.0}, "treatment": {"units": 5, "mean": 1.0, "squares": 0.0}}, "no_variance")
cases.reason("contrast_normal", {"prior": "flat", "control": {"units": 1, "mean": 1.0, "squares": 0.0}, "treatment": {"units": 9, "mean": 1.0, "squares": 3.0}}, "too_few_units")
cases.reason("contrast_student", {"control": {"units": 1, "mean": 1.0, "squares": 0.0}, "treatment": {"units": 9, "mean": 1.0, "squares": 3.0}}, "too_few_units")
cases.reason("contrast_student", {"control": {"units": 2, "mean": 1.0, "squares": 1.0}, "treatment": {"units": 9, "mean": 1.0, "squares": 3.0}}, "too_few_units")
cases.reason("posterior_lognormal", {"logs": {"units": 5, "mean": 1.0, "squares": 1.0}}, "too_few_units")
cases.reason("standings_beta", {"prior": (0.0, 1.0), "arms": [seen(1, 0), seen(1, 0)]}, "out_of_domain")
cases.reason("standings_beta", {"prior": (1.0, 1.0), "arms": [seen(1, 0)]}, "too_few_arms")

cases.write()
