"""Writes oracle cases with the versions of the libraries that computed them."""

import importlib.metadata
import json
import math
import pathlib

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "oracle"
CLOSED = 1e-9
ITERATIVE = 1e-6
BOUNDARY = 1e-4


def number(value):
    """A plain float; an infinite bound is null, as in the results."""
    if isinstance(value, (str, bool)) or value is None:
        return value
    value = float(value)
    if math.isnan(value):
        raise ValueError("an oracle gave NaN")
    return None if math.isinf(value) else value


def case(kind, given, expected, tolerance=CLOSED):
    """One case; `expected` is a dict of numbers, or the code of the reason why there is none."""
    if isinstance(expected, dict):
        expected = {name: number(value) for name, value in expected.items()}
    return {"kind": kind, "input": given, "expected": expected, "tolerance": tolerance}


def write(name, cases, packages):
    versions = {package: importlib.metadata.version(package) for package in packages}
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in cases)
    head = json.dumps(versions)
    (TARGET / f"{name}.json").write_text(f'{{"versions": {head},\n"cases": [\n{lines}\n]}}\n')
    print(f"{name}: {len(cases)} cases")
