"""Live training as Ray Tune trials: the digests of the plain loop, through kills as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.errors import UserError
from harness.experiment import Experiment
from harness.live.batch import Job, carry_out
from harness.live.question import LiveQuestion
from harness.resources import Resources
from harness.tune.session import ray_session
from tests.live.conftest import TINY
from tests.tune.helpers import digests, kill_session, run, start, wait_for

SEARCHERS = ("random_search", "regularized_evolution:population_size=3,tournament_size=2", "asha")


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(TINY)
    return f"live:tss/digits:{path}"


def test_trials_leave_the_traces_of_the_plain_loop(name: str, tmp_path: Path) -> None:
    """A whole search on real images: side by side, asynchronous, paused and promoted."""
    grid = Experiment([name], SEARCHERS, 1, {"evaluations": 4}, 2)
    plain, lane = tmp_path / "plain", tmp_path / "lane"
    grid.run(plain, inline=True)
    heard: list[tuple[int, int]] = []
    with ray_session(None):
        grid.run(lane, progress=lambda *further: heard.append(further))
        with pytest.raises(UserError, match="a trial takes 1 GPUs, the cluster has 0: lower"):
            grid.run(tmp_path / "gpus", resources=Resources(gpus=1))
        records = carry_out(LiveQuestion.parse(name), [Job(_CELL, 0)], tmp_path / "again")
    assert digests(lane) == digests(plain) and len(digests(lane)) == 3
    assert sum(searches for searches, _ in heard) == 3
    assert not list(lane.glob("journal/*/*.jsonl"))
    trained = [_trained(out) for out in (plain, lane)]
    assert trained[0] == trained[1]
    # Strategies that ask for one training at the same time share it.
    assert _lines(lane) == _lines(plain)
    assert records[0].epochs == 3 and 3 in records[0].test


_CELL = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|skip_connect~2|"


def _trained(out: Path) -> dict[str, Any]:
    """Key -> what each training gave, without telemetry."""
    (file,) = out.glob("trainings/*/trainings.jsonl")
    found = {}
    for line in file.read_text().splitlines():
        record = json.loads(line)
        found[record["key"]] = {
            name: record[name] for name in ("architecture", "epochs", "status", "valid", "test")
        }
    return found


@pytest.mark.slow
def test_a_killed_live_search_goes_on(name: str, tmp_path: Path) -> None:
    """`kill -9` of driver and workers in the midst of it: nothing finished is trained again."""
    words = ["--searcher", SEARCHERS[1], "--seeds", "1", "--evaluations", "8"]

    def command(out: Path, *extra: str) -> list[str]:
        import sys

        return [
            sys.executable, "-m", "harness", "run", "--benchmark", name, *words,
            "--out", str(out), *extra,
        ]  # fmt: skip

    status, _, err = run(command(tmp_path / "whole", "--inline"))
    assert status == 0, err
    out = tmp_path / "cut"
    process = start(command(out))
    wait_for(lambda: _lines(out) >= 3, process)
    kill_session(process)
    before = _lines(out)
    status, _, err = run(command(out))
    assert status == 0, err
    assert digests(out) == digests(tmp_path / "whole")
    assert _lines(out) == _lines(tmp_path / "whole") >= before


def _lines(out: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in out.glob("trainings/*/trainings.jsonl"))
