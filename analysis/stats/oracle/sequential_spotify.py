"""Group-sequential boundaries of spotify-confidence (power family, one-sided); run with requirements-spotify.txt.

Its grid is coarse: it is off by up to 7e-5 where the recursion of sequential.py, on another grid, is not.
"""

from spotify_confidence.analysis.frequentist.sequential_bound_solver import bounds
import numpy as np

from record import BOUNDARY, case, write

cases = []
rng = np.random.default_rng(3)
for alpha in [0.05, 0.025, 0.01]:
    for rho in [1.0, 2.0, 3.0]:
        for information in [[0.25, 0.5, 0.75, 1.0], [0.1, 0.5, 1.0], [0.3, 0.35, 0.9, 1.0], [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]]:
            values = bounds(np.array(information), alpha, rho, 8.0, 1).bounds
            cases.append(case("one_sided", {"spending": {"power": {"rho": rho}}, "alpha": alpha, "information": information},
                              {f"look{k + 1}": value for k, value in enumerate(values)}, BOUNDARY))
write("sequential_spotify", cases, ["spotify-confidence", "numpy"])
