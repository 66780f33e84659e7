"""Hand-made traces of one-shot searches, and an experiment's directory that holds some."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.benchmarks import TableBenchmark
from harness.benchmarks.base import MICROSECONDS
from harness.loop import Budget
from harness.spec import SearcherSpec
from harness.streams import stream
from harness.traces import Trace, write_batch
from reports.studies.traced import question_of, run_searches

EVALUATION = 1_200
"""Image passes of a full training: 12 epochs of 100 images."""

LABEL = "darts"


def one_shot_trace(
    benchmark: TableBenchmark, seed: int, passes: Sequence[int], failing: Sequence[int] = ()
) -> Trace:
    """A search that derived an architecture, drawn at random, after each of these image passes.

    Args:
        benchmark: What judges them.
        seed: The search's.
        passes: Image passes of supernet and full training, one a derivation.
        failing: Places of derivations that have no value.
    """
    rng = stream(seed, "derived")
    rows = []
    for number, spent in enumerate(passes):
        architecture = benchmark.space.sample(rng)
        row, visit, value, _, epochs, status = benchmark.evaluator(seed)(architecture, None, None)
        while status != 0:
            architecture = benchmark.space.sample(rng)
            answer = benchmark.evaluator(seed)(architecture, None, None)
            row, visit, value, _, epochs, status = answer
        if number in failing:
            row, visit, value, epochs, status = -1, 0, float("nan"), 0, 1
        end = spent * MICROSECONDS // 100
        rows.append((number, architecture, row, visit, epochs, 0, value, 0, end, 0, status))
    header = {
        "searcher": LABEL,
        "strategy": "darts",
        "options": {},
        "benchmark": benchmark.name,
        "checksum": benchmark.checksum,
        "space": benchmark.space.name,
        "protocol": benchmark.protocol.hash,
        "budget": {},
        "workers": 1,
        "seed": seed,
        "stopped": "budget",
        "one_shot": {"passes": list(passes), "evaluation_passes": EVALUATION},
    }
    return Trace.from_rows(header, rows, benchmark, {})


def experiment(
    out: Path,
    benchmark: TableBenchmark,
    source: str,
    derived: Sequence[Trace],
    *,
    budget: dict[str, Any],
    images_per_epoch: int | None,
) -> Path:
    """A directory of random search, regularized evolution and a one-shot method."""
    specs = [
        SearcherSpec.parse("random_search"),
        SearcherSpec.parse("regularized_evolution:population_size=3,tournament_size=2"),
    ]
    evaluations = budget.get("evaluations") or budget["image_passes"] // EVALUATION
    seeds = [trace.header["seed"] for trace in derived]
    batches = [run_searches(benchmark, s, seeds, Budget(evaluations=evaluations)) for s in specs]
    for place, traces in enumerate([*batches, list(derived)]):
        path = out / "traces" / str(place) / "0.parquet"
        path.parent.mkdir(parents=True)
        write_batch(path, traces, {})
    asked = question_of(benchmark)
    entry: dict[str, Any] = {
        "name": asked.name,
        "source": source,
        "checksum": asked.checksum,
        "dataset": asked.dataset,
        "protocol": asked.protocol.to_dict(),
        "protocol_hash": asked.protocol.hash,
        "leaks": [],
        "split": asked.split,
        "units": asked.units,
        "options": {},
    }
    if images_per_epoch is not None:
        entry["images_per_epoch"] = images_per_epoch
    document = {
        "benchmarks": [entry],
        "searchers": [
            *(spec.identity for spec in specs),
            {"searcher": LABEL, "strategy": "darts", "options": {}},
        ],
        "cells": ["0", "1", "2"],
        "seeds": seeds,
        "budget": {"evaluations": None, "seconds": None, "epochs": None, **budget},
        "workers": 1,
        "versions": {"nas-harness": "0.1.0"},
    }
    (out / "experiment.json").write_text(json.dumps(document))
    return out
