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


class Cases:
    """Cases whose expected values are named by JSON pointers into the serialised answer ("" is all of it)."""

    def __init__(self, name, packages):
        self.name, self.packages, self.cases = name, packages, []

    def add(self, method, given, expected, relative=CLOSED, absolute=None):
        """A case with its allowed relative error, and an absolute one where a value may be zero."""
        entry = case(method, plain(given), expected, relative)
        self.cases.append(entry if absolute is None else entry | {"absolute": absolute})

    def reason(self, method, given, code):
        """A case whose right answer is the code of a reason."""
        self.cases.append(case(method, plain(given), code))

    def write(self):
        write(self.name, self.cases, self.packages)


def plain(value):
    """Inputs without NumPy's types; whole numbers stay whole."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return number(value)
