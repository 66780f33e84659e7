"""Lane B as users run it: ``nas-harness run --trials evaluation`` on Ray, and kills.

A driver joins a cluster that outlives it, since starting one takes longer than all the rest; or
it starts its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from harness.tune.session import RETRIES, ray_session
from tests.tune.kills.observed import DIE, LOG
from tests.tune.kills.processes import descendants, kill, trial_workers, wait_until_gone
from tests.tune.kills.stage import PROMOTING, SEARCHERS, Setup, Stage
from tests.tune.kills.tally import DRIVERS, WORKERS, Tally

MOST_SECONDS_OF_SILENCE = 300


@dataclass(frozen=True)
class Fate:
    """How a driver's life ends.

    Attributes:
        kind: In words; "" if it ends by itself.
        signal: What it is sent.
        measurements: How many there are before.
        seconds: How long after these.
        die: It kills itself just before it would sync for this time; 0 if not.
        whole_group: Whether all that it started is killed with it.
    """

    kind: str = ""
    signal: signal.Signals = signal.SIGKILL
    measurements: int = 0
    seconds: float = 0.0
    die: int = 0
    whole_group: bool = False

    @classmethod
    def draw(cls, random: Random, *, own_cluster: bool) -> Fate:
        """Any of the ways."""
        way = random.random()
        if way < 0.2:
            return cls("SIGKILL just before a sync", die=random.randint(1, 30))
        # One in four while it starts.
        measurements = random.choice((0, random.randint(1, 5), *random.sample(range(30), 2)))
        seconds = random.uniform(0, 0.3 if measurements else 10)
        if way < 0.3:
            return cls("SIGTERM", signal.SIGTERM, measurements, seconds)
        if way < 0.4:
            return cls("SIGINT", signal.SIGINT, measurements, seconds)
        if own_cluster and way < 0.7:
            kind = "SIGKILL with its whole cluster"
            return cls(kind, signal.SIGKILL, measurements, seconds, whole_group=True)
        return cls("SIGKILL at a random moment", signal.SIGKILL, measurements, seconds)


@contextmanager
def cluster(log: Path) -> Iterator[str]:
    """A Ray cluster of this process; its address.

    Args:
        log: Where its workers note what they do.
    """
    import ray

    os.environ[LOG] = str(log)
    with ray_session(None):
        yield ray.get_runtime_context().gcs_address


def kill_on_ray(folder: Path, log: Path, random: Random, tally: Tally, address: str) -> Stage:
    """Run an experiment to its end, killing its drivers and workers again and again.

    Args:
        folder: A new directory.
        log: Where all processes note what they do.
        random: All that is random.
        tally: Says which kills there are to be.
        address: The cluster to join; "" for one of each driver's own.

    Raises:
        AssertionError: If a driver fails, hangs, or leaves processes behind.
    """
    folder.mkdir()
    # Long enough for the kills that are left.
    evaluations = int(min(100, 20 + 5 * tally.left(WORKERS)))
    setup = Setup.draw(random, (*SEARCHERS, *PROMOTING), evaluations)
    stage = Stage(setup, folder / "out", log)
    while True:
        fate = Fate()
        if tally.wants(DRIVERS) and random.random() < 0.85:
            fate = Fate.draw(random, own_cluster=not address)
        life = Life(stage, fate, random, tally, folder, address)
        status = life.run()
        stage.after_a_kill(random, power_cut=random.random() < 0.5)
        if status == 0:
            return stage
        said = life.errors.read_text()
        if life.ended:
            tally.kinds[DRIVERS][fate.kind] += 1
        elif "Ray does not start" not in said:
            raise AssertionError(f"{stage.setup}: status {status}: {said[-2000:]}")


class Life:
    """One driver from its start to its end."""

    def __init__(
        self, stage: Stage, fate: Fate, random: Random, tally: Tally, folder: Path, address: str
    ) -> None:
        self.stage = stage
        self.fate = fate
        self.random = random
        self.tally = tally
        self.ended = False
        self.errors = folder / "errors.txt"
        where = ["--address", address] if address else []
        self.driver = subprocess.Popen(
            [sys.executable, "-m", "harness", *stage.setup.words(stage.out), *where],
            stdout=subprocess.DEVNULL, stderr=self.errors.open("w"), start_new_session=True,
            env={**os.environ, DIE: str(fate.die)},
        )  # fmt: skip
        self._began = stage.catch_up()
        # Seed of a search under way -> first evaluation that is not journalled, kills since then.
        self._gaps: dict[int, tuple[int, int]] = {}

    def run(self) -> int:
        """Let the driver live, and kill its workers, until its fate; its exit status.

        Raises:
            AssertionError: If it hangs, or leaves processes behind.
        """
        try:
            family = self._live()
            status = self.driver.wait(MOST_SECONDS_OF_SILENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.stage.setup}: goes on after {self.fate.kind}") from None
        finally:
            if self.driver.poll() is None:
                os.killpg(self.driver.pid, signal.SIGKILL)
        self.ended |= bool(self.fate.die) and status == -signal.SIGKILL
        left = wait_until_gone(family | dict.fromkeys(trial_workers(os.getpid()), "a trial"))
        assert not left, f"{self.stage.setup}: processes left behind: {left}"
        return status

    def _live(self) -> dict[int, str]:
        """Until the driver's end; the processes that it had started shortly before."""
        progress, heard = self._began, time.monotonic()
        due = self._next_kill()
        end = time.monotonic() + self.fate.seconds if not self.fate.measurements else None
        family: dict[int, str] = {}
        while self.driver.poll() is None:
            now = time.monotonic()
            measured = self.stage.catch_up()
            if measured > progress:
                progress, heard = measured, now
            assert now - heard < MOST_SECONDS_OF_SILENCE, f"{self.stage.setup}: hangs"
            if end is None and measured - self._began >= self.fate.measurements:
                end = now + self.fate.seconds
            if self.fate.kind and not self.fate.die and end is not None and now >= end:
                family = descendants(self.driver.pid)
                self._end()
                return family
            if now >= due:
                family = descendants(self.driver.pid)
                self._kill_workers()
                due = self._next_kill()
            time.sleep(0.02)
        return family

    def _end(self) -> None:
        if self.fate.whole_group:
            os.killpg(self.driver.pid, self.fate.signal)
        else:
            self.driver.send_signal(self.fate.signal)
        self.ended = True

    def _next_kill(self) -> float:
        return time.monotonic() + self.random.uniform(0, 1.5)

    def _kill_workers(self) -> None:
        """Kill one worker with a trial, or all of them."""
        workers = trial_workers(os.getpid()) if self.tally.wants(WORKERS) else []
        if not workers or not self._fair():
            return
        several = len(workers) > 1 and self.random.random() < 0.3
        chosen = workers if several else [self.random.choice(workers)]
        # What was measured just before and just after may both be lost.
        self.stage.worker_killed()
        killed = sum(map(kill, chosen))
        self.stage.worker_killed()
        kind = "SIGKILL, several at once" if killed > 1 else "SIGKILL, one"
        self.tally.kinds[WORKERS][kind] += killed

    def _fair(self) -> bool:
        """Whether every evaluation can still be repeated: the harness gives up after some.

        Of each search as many are under way as there are simulated workers, and so may be met
        together by all kills until the first of them has finished.
        """
        gaps = {}
        for seed, numbers in self.stage.journalled().items():
            gap = next(n for n in range(len(numbers) + 1) if n not in numbers)
            before, kills = self._gaps.get(seed, (gap, 0))
            gaps[seed] = gap, 1 + (kills if gap == before else 0)
        self._gaps = gaps
        most = max(1, RETRIES // self.stage.setup.workers)
        return all(kills <= most for _, kills in self._gaps.values())
