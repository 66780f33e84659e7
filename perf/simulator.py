"""Syne Tune's simulator on our table: its own tuner, schedulers, event queue and blackbox.

Everything that can be chosen is chosen in its favour: one worker, the tuner is not pickled at the
end, and the simulated sleep between two looks at the running trial is as long as the longest
evaluation (the default of 5 s makes it look at a trial many times before it ends).
"""

from __future__ import annotations

import logging
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.benchmarks import TableBenchmark, open_benchmark
from harness.errors import HarnessError
from perf.figures import cpu_rates
from perf.searches import POPULATION, TOURNAMENT

INSTALL = "not measured: pip install syne-tune huggingface_hub"
NOTE = (
    "Syne Tune: its Tuner with UserBlackboxBackend and SimulatorCallback over the same values and"
    " costs, one search of the same length a repetition, one fidelity, one worker; that it"
    " recorded our table's value and cost for every architecture is checked."
)


def rates(
    source: str, protocol: str, searcher: str, evaluations: int, repeats: int, scratch: str
) -> dict[str, Any]:
    """Evaluations a CPU-second of Syne Tune's searches.

    Returns:
        "name": Syne Tune with its version; "result": one rate a repetition, or why there is
        none; "note": how it was measured.
    """
    # Its results go there instead of to the home directory.
    os.environ["SYNETUNE_FOLDER"] = str(Path(scratch) / "syne-tune")
    try:
        import syne_tune.blackbox_repository  # noqa: F401
    except ImportError:
        return {"name": "Syne Tune", "result": INSTALL, "note": ""}
    logging.disable(logging.WARNING)
    benchmark = open_benchmark(source, protocol)
    peer = Simulator(benchmark)
    seeds = iter(range(repeats + 1))

    def work() -> int:
        return len(peer.search(searcher, evaluations, next(seeds)))

    result = cpu_rates(work, repeats)
    for record in peer.records:
        peer.check(record)
    return {"name": f"Syne Tune {version('syne-tune')}", "result": result, "note": NOTE}


class Simulator:
    """Searches of Syne Tune on a table's content.

    Attributes:
        records: Everything that the searches so far have recorded.
    """

    def __init__(self, benchmark: TableBenchmark) -> None:
        import numpy as np
        import pandas as pd
        from syne_tune.blackbox_repository.blackbox_tabular import BlackboxTabular
        from syne_tune.config_space import choice, randint

        self.benchmark = benchmark
        self.records: list[dict[str, Any]] = []
        options = benchmark.space.options  # type: ignore[attr-defined]
        self.decisions = {f"edge{place}": list(names) for place, names in enumerate(options)}
        keys, row_of = benchmark.table.keys, benchmark.table.row_of
        architectures = pd.DataFrame(
            {
                name: np.array(values)[keys[:, place]]
                for place, (name, values) in enumerate(self.decisions.items())
            }
        )
        level = benchmark.level(None)
        values = np.array([only for (only,) in level.runs])[row_of]
        seconds = np.array(level.costs)[row_of] / 1e6
        self.longest = float(seconds.max())
        self.blackbox = BlackboxTabular(
            architectures,
            {name: choice(values) for name, values in self.decisions.items()},
            {"epoch": randint(1, 1)},
            np.stack([values, seconds], axis=-1)[:, None, None, :],
            objectives_names=["value", "seconds"],
        )

    def search(self, searcher: str, evaluations: int, seed: int) -> list[dict[str, Any]]:
        """One search from the making of its scheduler to its stored results."""
        from syne_tune import StoppingCriterion, Tuner
        from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
        from syne_tune.blackbox_repository import UserBlackboxBackend
        from syne_tune.optimizer.baselines import REA, RandomSearch

        space = self.blackbox.configuration_space
        chosen: dict[str, Any] = {"do_minimize": False, "random_seed": seed}
        if searcher.startswith("regularized_evolution"):
            chosen |= {"population_size": POPULATION, "sample_size": TOURNAMENT}
            scheduler = REA(space, "value", **chosen)
        else:
            scheduler = RandomSearch(space, ["value"], **chosen)
        callback = SimulatorCallback()
        Tuner(
            UserBlackboxBackend(self.blackbox, "seconds", tuner_sleep_time=self.longest),
            scheduler,
            StoppingCriterion(max_num_trials_finished=evaluations),
            n_workers=1,
            sleep_time=0,
            callbacks=[callback],
            save_tuner=False,
        ).run()
        self.records += callback.results
        return callback.results  # type: ignore[no-any-return]

    def check(self, record: dict[str, Any]) -> None:
        """Compare what Syne Tune recorded for an architecture with our table's answer.

        Raises:
            HarnessError: If they differ.
        """
        architecture = tuple(
            values.index(record[f"config_{name}"]) for name, values in self.decisions.items()
        )
        ours = self.benchmark.evaluator(0)(architecture)
        if (record["value"], record["seconds"]) != (ours.value, ours.cost / 1e6):
            raise HarnessError(f"{architecture}: we say {ours}, Syne Tune recorded {record}")
