"""Importing the packages."""

from __future__ import annotations

import sys
import time

from perf.bench import Bench
from perf.figures import Bar, Row, Sample
from perf.fresh import fresh

_HEAVY = ("ray", "torch", "pandas")


def measure(bench: Bench) -> list[Row]:
    """Rows for the bare packages, and for what a search on a table needs."""
    probes = [fresh("perf.importing:probe") for _ in range(bench.sizes.repeats)]
    return [
        Row(
            "`import harness, searchers`",
            "s",
            Sample.of([probe["bare"] for probe in probes]),
            bar=Bar(0.3, at_least=False),
            note="Each repetition is a fresh process. " + _loaded(probes[0]["bare_loads"]),
        ),
        Row(
            "the same and all that `harness.search` and `harness.Experiment` need",
            "s",
            Sample.of([probe["used"] for probe in probes]),
            note=_loaded(probes[0]["used_loads"]),
        ),
    ]


def probe() -> dict[str, object]:
    """Seconds of importing, and the heavy packages that came with it."""
    began = time.perf_counter()
    import harness
    import searchers  # noqa: F401

    bare = time.perf_counter() - began
    bare_loads = _heavy()
    _ = (harness.search, harness.Experiment)
    used = time.perf_counter() - began
    return {"bare": bare, "used": used, "bare_loads": bare_loads, "used_loads": _heavy()}


def _heavy() -> list[str]:
    return [name for name in _HEAVY if name in sys.modules]


def _loaded(names: list[str]) -> str:
    if names:
        return f"It imports {', '.join(names)}."
    return f"None of {', '.join(_HEAVY)} is imported."
