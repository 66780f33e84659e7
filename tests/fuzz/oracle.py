"""What a description and a CSV file say, computed a second time: by pandas, value by value."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

Key = bytes
Values = dict[str, dict[Key, np.ndarray]]
"""Column -> key of an architecture -> [seeds, epochs]."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_VALUE = {"", "nan", "na", "n/a", "null", "none"}
_TSS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def expected(description: Path, source: Path) -> Values:
    """All values that an import of the file must give.

    Raises:
        ValueError: If a cell that it needs is no number.
    """
    document = yaml.safe_load(description.read_bytes())
    frame = pd.read_csv(
        source,
        sep=document.get("file", {}).get("delimiter", ","),
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig",
    )
    rows = list(range(len(frame)))
    only = document.get("only")
    if only:
        rows = [i for i in rows if number(frame[only["column"]][i]) == float(only["equals"])]
    keys = [key(document, frame.iloc[i]) for i in rows]
    return {
        name: {k: values(about, frame, document, source, i) for k, i in zip(keys, rows)}
        for name, about in document["columns"].items()
    }


def number(cell: str) -> float:
    """A cell as a number, NaN for "no value"."""
    cell = cell.strip()
    if cell.lower() in _NO_VALUE:
        return math.nan
    if not _NUMBER.fullmatch(cell):
        raise ValueError(f"{cell!r} is no number")
    return float(cell)


def key(document: dict[str, Any], row: pd.Series) -> Key:
    """The key of a row's architecture."""
    space, ways = document["space"], document["architecture"]
    if ways.get("graph"):
        return bytes.fromhex(row[ways["graph"]["hash"]])
    if space == "tss":
        return bytes(_TSS.index(part.split("~")[0]) for part in re.findall(r"[^|+]+", row.iloc[0]))
    options = [[str(option) for option in names] for names in space["options"]]
    if ways.get("digits"):
        digits = [int(c) for c in row[ways["digits"]]]
        order = ways.get("order") or range(len(digits))
        return bytes(digits[int(place)] for place in order)
    if ways.get("decisions"):
        names = [row[column] for column in ways["decisions"]]
    else:
        names = row[ways["notation"]].split(",")
    return bytes(known.index(name) for known, name in zip(options, names, strict=True))


def values(
    about: dict[str, Any], frame: pd.DataFrame, document: dict[str, Any], source: Path, row: int
) -> np.ndarray:
    """A column's values of one row, [seeds, epochs]."""
    if about.get("array"):
        array = about["array"]
        file = document["sidecars"][array["sidecar"]]["file"]
        curve = np.load(source.parent / file)[array["name"]][row].astype(float)
        first, last = map(int, array["epochs"].split("-"))
        found = curve[None, : last - first + 1]
        if array.get("missing") is not None:
            found = np.where(found == float(array["missing"]), math.nan, found)
    else:
        if about.get("runs"):
            runs = about["runs"]
            run = next(iter(runs.values()))
            if isinstance(run, dict):
                columns = [[r[e] for e in sorted(run, key=int)] for r in runs.values()]
            else:
                columns = [[r] for r in runs.values()]
        elif about.get("epochs"):
            columns = [[about["epochs"][e] for e in sorted(about["epochs"], key=int)]]
        else:
            columns = [[about["column"]]]
        found = np.array([[number(frame[c][row]) for c in names] for names in columns])
    scaled: np.ndarray = found * float(Fraction(str(about.get("factor", 1))))
    return scaled


def tolerance(about: dict[str, Any], wanted: np.ndarray) -> np.ndarray:
    """By how much stored values may differ from the exact ones."""
    dtype = about.get("dtype", "float64")
    step, relative = 0.0, 1e-12
    if dtype == "float32":
        step, relative = 1e-44, 1e-6
    elif dtype != "float64":
        step = 0.5001 * float(Fraction(str(about.get("scale", 1))))
    allowed: np.ndarray = step + np.abs(wanted) * relative
    return allowed
