"""Certified values of the distribution functions: mpmath with 50 digits."""

import mpmath as mp

from record import case, write

mp.mp.dps = 50
cases = []


def add(kind, given, value, tolerance=1e-12):
    # Below the smallest normal double nothing can be compared.
    if abs(value) > mp.mpf("1e-300"):
        cases.append(case(kind, given, {"value": value}, tolerance))


def normal_sf(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


for z in [-30, -8, -2.5, -1, -0.1, 0, 0.3, 1, 1.959964, 3, 5, 7.5, 10, 15, 20, 30, 36, 37]:
    add("normal_sf", {"z": z}, normal_sf(mp.mpf(z)))
for z in [-30, -3, -1, 0, 0.5, 2, 5, 9.9, 10, 10.1, 25, 40, 100, 1e4]:
    add("normal_ln_sf", {"z": z}, mp.log(normal_sf(mp.mpf(z))))
for p in ["1e-300", "1e-200", "1e-100", "1e-40", "1e-20", "1e-10", "1e-5", "0.001", "0.025", "0.05", "0.0749", "0.0751", "0.2", "0.4", "0.499", "0.6", "0.9", "0.999"]:
    p = float(p)
    start = float(mp.sqrt(-2 * mp.log(p))) if p < 0.3 else 0.0
    z = mp.findroot(lambda z: mp.log(normal_sf(z)) - mp.log(mp.mpf(p)), start)
    add("normal_upper_quantile", {"p": p}, z)


def beta_lower(a, b, x):
    """Regularised incomplete beta by its series, all terms positive."""
    a, b, x = mp.mpf(a), mp.mpf(b), mp.mpf(x)
    front = mp.exp(a * mp.log(x) + b * mp.log1p(-x) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b))
    term, total, n = mp.mpf(1), mp.mpf(1), 0
    while term > total * mp.mpf("1e-40"):
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return front * total


def by_quadrature(t, df):
    """The integral of the density, where the series would need too many terms or a subtraction."""
    scale = mp.exp(mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2)) / mp.sqrt(mp.pi * df)
    edges = [t + s / t for s in [0, 1, 3, 6, 10, 20, 40, 80, 140]]
    # Relative to the density at t: the quadrature stops at an absolute error.
    log_density = lambda s: -(df + 1) / 2 * mp.log1p(s * s / df)
    start = log_density(t)
    return scale * mp.exp(start) * mp.quad(lambda s: mp.exp(log_density(s) - start), edges)


def student_sf(t, df):
    t, df = mp.mpf(t), mp.mpf(df)
    x = df / (df + t * t)
    if x < 0.9:
        return beta_lower(df / 2, mp.mpf(1) / 2, x) / 2
    if t > 4:
        return by_quadrature(t, df)
    return mp.mpf(1) / 2 - beta_lower(mp.mpf(1) / 2, df / 2, t * t / (df + t * t)) / 2


for df in [0.5, 1, 2, 3.7, 10, 29, 100, 199, 201, 1000, 12345.6, 1e6]:
    for t in [0.01, 0.5, 1, 2, 3.3, 6, 12, 40]:
        add("student_sf", {"t": t, "df": df}, student_sf(t, df))
for df, t in [(1e9, 2.0), (1e12, 5.0), (50, 1e6), (3, 1e30), (300, 300.0), (250, 30.0), (1e5, 36.0)]:
    value = by_quadrature(mp.mpf(t), mp.mpf(df)) if df >= 1e9 else student_sf(t, df)
    add("student_sf", {"t": t, "df": df}, value)
for df in [1, 2.5, 8, 40, 150, 220, 5000, 1e6]:
    for p in [1e-30, 1e-8, 0.005, 0.025, 0.2, 0.45]:
        if df < 10 and p < 1e-8:
            continue
        start = mp.findroot(lambda z: mp.log(normal_sf(z)) - mp.log(mp.mpf(p)), float(mp.sqrt(-2 * mp.log(p))) if p < 0.3 else 0.1)
        grow = mp.mpf(start)
        while student_sf(grow, df) > p:
            grow *= 1.5
        low, high = grow / mp.mpf("1.6"), grow
        t = mp.findroot(lambda t: mp.log(student_sf(t, df)) - mp.log(mp.mpf(p)), (low, high), solver="anderson", tol=mp.mpf("1e-40"))
        add("student_upper_quantile", {"p": p, "df": df}, t)

for df in [1, 2, 3, 4, 5, 7, 10, 25, 100, 333, 1000]:
    for x in [0.01, 0.5, 1.0, 3.84, 16.0, 22.774, 100.0, 500.0, 1300.0, 5000.0]:
        tail = mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)
        add("chi_squared_sf", {"x": x, "df": df}, tail, 1e-11)

for a, b in [(0.5, 0.5), (1, 3), (2.5, 0.7), (10, 20), (100, 900), (500, 9500), (2999, 3001), (3500, 40000), (25000, 25000)]:
    mean, sd = a / (a + b), (a * b / (a + b) ** 2 / (a + b + 1)) ** 0.5
    for shift in [-6, -3, -1, 0, 1, 3, 6]:
        x = mean + shift * sd
        if not 0 < x < 1:
            continue
        y = 1.0 - x
        lower = beta_lower(a, b, mp.mpf(x))
        upper = beta_lower(b, a, 1 - mp.mpf(x))
        add("beta_tails", {"a": a, "b": b, "x": x}, min(lower, upper), 1e-10)
        add("beta_quantile", {"a": a, "b": b, "p": float(lower)}, x, 1e-9) if 1e-12 < lower < 1 - 1e-3 else None

write("dist", cases, ["mpmath"])
