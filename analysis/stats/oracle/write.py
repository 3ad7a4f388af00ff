"""Collects oracle cases and writes them to tests/oracle/<name>.json with the versions that made them."""

import importlib.metadata
import json
import math
import pathlib
import platform

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "oracle"
PACKAGES = ["gbstats", "mpmath", "numpy", "pandas", "scipy", "spotify-confidence", "statsmodels", "tea-tasting"]


class Cases:
    """The cases of one file; values are plain floats by the time they are written."""

    def __init__(self, name):
        self.name = name
        self.cases = []

    def add(self, name, method, given, expected, relative=1e-9, absolute=0.0):
        """Adds a case; `expected` maps JSON pointers into the serialised answer to values."""
        case = {"name": name, "method": method, "input": plain(given), "relative": relative}
        if absolute:
            case["absolute"] = absolute
        self.cases.append(case | {"expected": plain(expected)})

    def reason(self, name, method, given, code):
        """Adds a case whose right answer is a reason."""
        self.cases.append({"name": name, "method": method, "input": plain(given), "relative": 0.0, "expected": {"inconclusive": code}})

    def write(self):
        """Writes the file, one case a line so that a change shows in a diff."""
        versions = {"python": platform.python_version()}
        for package in PACKAGES:
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                pass
        lines = ",\n".join(json.dumps(case) for case in self.cases)
        path = FOLDER / f"{self.name}.json"
        path.write_text(f'{{"versions": {json.dumps(versions)},\n"cases": [\n{lines}\n]}}\n')
        print(f"{path.name}: {len(self.cases)} cases")


def plain(value):
    """Python numbers out of NumPy's and mpmath's, refusing what is no number."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no oracle value")
    return number
