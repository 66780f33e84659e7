"""Looking up the official records, beside `nats_bench` itself."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from harness.benchmarks import TableBenchmark, open_table
from harness.benchmarks.table import find_protocol
from harness.errors import HarnessError
from perf.bench import Bench
from perf.figures import Row, Sample, cpu_rates
from perf.fresh import fresh

DIRECTORY = "NATS-tss-v1_0-3ffb9-simple"
DATASET, TRAINING_SET = "cifar10", "cifar10-valid"
SCHEDULES = (12, 200)
DRAWS = 5
"""Times that `simulate_train_eval` is asked for the comparison of values."""

_CALLS = {
    "random": "simulate_train_eval(hp={})",
    "mean": "get_more_info(hp={}, is_random=False)",
}
"""What happens to several seeds -> the question as `nats_bench` puts it."""

_NOTES = {
    "random": "Both draw a seed anew at each visit and answer with validation accuracy and cost;"
    " nats_bench also gives a latency.",
    "mean": "Both answer with the mean over the seeds. nats_bench gives all of an architecture's"
    " metrics at once, we the accuracy and the cost that the search's protocol asks for.",
}


def measure(bench: Bench) -> list[Row]:
    """One row for each of nats_bench's questions and schedules."""
    directory = bench.data / "nats_official" / DIRECTORY if bench.data else None
    if directory is None or not directory.is_dir():
        absent = "not measured: no data (set NAS_HARNESS_TEST_DATA)"
        return [Row("look-ups of official records", "evaluations/CPU-s", absent)]
    sizes = bench.sizes
    measured = fresh(
        "perf.lookups:all_rates",
        directory=str(directory),
        out=str(bench.scratch / "official.table"),
        ours=sizes.lookups,
        theirs=sizes.peer_lookups,
        repeats=sizes.repeats,
    )
    rows = []
    for seeds, call in _CALLS.items():
        for schedule in SCHEDULES:
            peer = measured["peer"]
            if not isinstance(peer, str):
                peer = Sample.of(peer[f"{seeds}{schedule}"])
            rows.append(
                Row(
                    f"look-up of an official record as {call.format(schedule)}",
                    "evaluations/CPU-s",
                    Sample.of(measured["ours"][f"{seeds}{schedule}"]),
                    ((measured["name"], peer),),
                    note=f"{measured['records']} genuine records, {TRAINING_SET}, both from the"
                    f" same directory; all of both sides' values are compared. {_NOTES[seeds]}",
                )
            )
    return rows


def all_rates(directory: str, out: str, ours: int, theirs: int, repeats: int) -> dict[str, Any]:
    """Look-ups a CPU-second of both, ours first, and a comparison of all values."""
    from harness.benchmarks.importers.nats import import_nats

    import_nats(directory, out)
    benchmarks = {
        (seeds, schedule): _benchmark(out, schedule, seeds)
        for seeds in _CALLS
        for schedule in SCHEDULES
    }
    records = len(open_table(out).keys)
    result: dict[str, Any] = {"records": records, "name": "nats_bench", "peer": {}}
    result["ours"] = {
        f"{seeds}{schedule}": our_rates(benchmark, ours, repeats)
        for (seeds, schedule), benchmark in benchmarks.items()
    }
    try:
        import nats_bench
    except ImportError:
        return {**result, "peer": "not measured: pip install nats_bench"}
    api = nats_bench.create(directory, "tss", fast_mode=True, verbose=False)
    for (seeds, schedule), benchmark in benchmarks.items():
        indices = [
            api.query_index_by_arch(benchmark.space.to_string(architecture))
            for architecture in _architectures(benchmark)
        ]
        check(api, indices, benchmark, schedule)
        result["peer"][f"{seeds}{schedule}"] = peer_rates(
            api, indices, seeds, schedule, theirs, repeats
        )
    return {**result, "name": f"nats_bench {version('nats_bench')}"}


def our_rates(benchmark: TableBenchmark, lookups: int, repeats: int) -> list[float]:
    """Look-ups a CPU-second of our table."""
    architectures = _architectures(benchmark)
    rounds = range(lookups // len(architectures))
    evaluate = benchmark.evaluator(0)

    def work() -> int:
        for _ in rounds:
            for architecture in architectures:
                evaluate(architecture)
        return len(rounds) * len(architectures)

    return cpu_rates(work, repeats)


def peer_rates(
    api: Any, indices: list[int], seeds: str, schedule: int, lookups: int, repeats: int
) -> list[float]:
    """Look-ups a CPU-second of nats_bench, with all records in its memory."""
    rounds = range(lookups // len(indices))
    hp = str(schedule)

    def ask(index: int) -> None:
        if seeds == "random":
            api.simulate_train_eval(index, DATASET, hp=hp)
        else:
            api.get_more_info(index, TRAINING_SET, hp=hp, is_random=False)

    def work() -> int:
        for _ in rounds:
            for index in indices:
                ask(index)
        return len(rounds) * len(indices)

    return cpu_rates(work, repeats)


def check(api: Any, indices: list[int], benchmark: TableBenchmark, schedule: int) -> None:
    """Compare the values that a visit may draw, their cost and some draws with nats_bench's.

    Raises:
        HarnessError: If they differ.
    """
    level, hp = benchmark.level(None), str(schedule)
    for index, architecture in zip(indices, _architectures(benchmark), strict=True):
        row = benchmark.row(architecture)
        ours, cost = sorted(level.runs[row]), level.costs[row] / 1e6
        seeds: list[Any] = [False]
        if benchmark.protocol.search.seeds == "random":
            seeds = api.query_meta_info_by_index(index, hp=hp).get_dataset_seeds(TRAINING_SET)
        answers = [api.get_more_info(index, TRAINING_SET, hp=hp, is_random=s) for s in seeds]
        theirs = sorted(answer["valid-accuracy"] for answer in answers)
        costs = [answer["train-all-time"] + answer["valid-per-time"] for answer in answers]
        same = len(ours) == len(theirs) and all(map(_equal, ours, theirs))
        same &= all(_equal(cost, other) for other in costs)
        for _ in range(DRAWS if len(seeds) > 1 else 0):
            drawn, _latency, seconds, _ = api.simulate_train_eval(index, DATASET, hp=hp)
            same &= any(_equal(drawn, value) for value in ours) and _equal(cost, seconds)
        if not same:
            raise HarnessError(
                f"architecture {index}, {schedule} epochs: we say {ours} at {cost} s, nats_bench"
                f" {theirs} at {costs} s"
            )


def _equal(a: float, b: float) -> bool:
    """Equal but for the float32 of stored accuracies and the microseconds of costs."""
    return abs(a - b) <= 2e-7 * abs(b)


def _benchmark(path: str, schedule: int, seeds: str) -> TableBenchmark:
    table = open_table(path)
    protocol = find_protocol(table, DATASET, f"val{schedule}-test200")
    search = {"column": protocol.search.column, "epoch": schedule, "seeds": seeds}
    fresh_draws = protocol.with_options(search=search, repeat="fresh")
    return TableBenchmark(table, DATASET, fresh_draws)


def _architectures(benchmark: TableBenchmark) -> list[tuple[int, ...]]:
    return list(map(tuple, benchmark.table.keys.tolist()))
