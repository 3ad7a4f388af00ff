"""Writes landing_page.json: what the recorded landing-page experiment must come to.

Usage: python landing_page.py FOLDER > landing_page.json
FOLDER has visits.csv and countries.csv. A user seen in both groups is left out and counted. Two-proportion z-test
(pooled) with an unpooled 95 % interval by statsmodels, split against 50/50 by SciPy.
"""

import csv
import json
import sys
from collections import defaultdict

import scipy
import statsmodels
from scipy.stats import chisquare
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

folder = sys.argv[1]
country = {row["user_id"]: row["country"] for row in csv.DictReader(open(f"{folder}/countries.csv"))}
groups, converted, mismatches = defaultdict(set), defaultdict(bool), 0
page_of = {"control": "old_page", "treatment": "new_page"}
for row in csv.DictReader(open(f"{folder}/visits.csv")):
    groups[row["user_id"]].add(row["group"])
    converted[row["user_id"]] |= row["converted"] == "1"
    mismatches += row["landing_page"] != page_of[row["group"]]


def figures(users):
    both = sum(len(groups[user]) > 1 for user in users)
    arm = {
        name: [user for user in users if groups[user] == {name}] for name in ("control", "treatment")
    }
    n = {name: len(members) for name, members in arm.items()}
    x = {name: sum(converted[user] for user in members) for name, members in arm.items()}
    z, p = proportions_ztest([x["treatment"], x["control"]], [n["treatment"], n["control"]])
    low, high = confint_proportions_2indep(
        x["treatment"], n["treatment"], x["control"], n["control"], method="wald", compare="diff"
    )
    rate = {name: x[name] / n[name] for name in n}
    difference = rate["treatment"] - rate["control"]
    return {
        "both": both,
        "control": [n["control"], x["control"]],
        "treatment": [n["treatment"], x["treatment"]],
        "difference": difference,
        "lift": difference / rate["control"],
        "z": float(z),
        "p_value": float(p),
        "confidence_interval": [float(low), float(high)],
        "srm_p_value": float(chisquare([n["control"], n["treatment"]]).pvalue),
    }


slices = {"all": figures(groups)}
for name in sorted(set(country.values())):
    slices[name] = figures([user for user in groups if country[user] == name])
json.dump(
    {
        "made_with": f"statsmodels {statsmodels.__version__}, SciPy {scipy.__version__}",
        "slices": slices,
        "diagnostics": {"page_mismatch": mismatches},
    },
    sys.stdout,
    indent=1,
)
print()
