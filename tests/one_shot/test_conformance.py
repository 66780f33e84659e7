"""Every one-shot method does what `harness.testing.OneShotSuite` asks of it."""

from __future__ import annotations

import inspect
import random
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

import harness.datasets  # noqa: E402
from harness.datasets import Split  # noqa: E402
from harness.one_shot import OneShot  # noqa: E402
from harness.spaces import Architecture  # noqa: E402
from harness.testing import OneShotSuite  # noqa: E402
from searchers.one_shot import registry, supernets  # noqa: E402
from tests.one_shot.counting import Counting  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def _counted() -> Any:
    """What a mixture costs is counted over 64 networks, which takes longer than the searches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supernets, "mixture_cost", lambda problem: 4.0)
        yield


class TestBayesNas(OneShotSuite):
    method = "bayesnas"
    options = {"curvature": "diagonal", "curvature_batches": 1, "iterations": 2}  # noqa: RUF012
    wrong = {"sparsity": 0.0, "iterations": 0, "warmup": 1.5, "score": "gama"}  # noqa: RUF012


class TestDarts(OneShotSuite):
    method = "darts"
    options = {"architecture_rate": 0.1}  # noqa: RUF012
    wrong = {"order": 3, "architecture_rate": -1.0, "rule": "best", "zero": False}  # noqa: RUF012


class TestEnas(OneShotSuite):
    method = "enas"
    options = {"controller_steps": 2, "samples": 3, "candidates": 4, "finalists": 2}  # noqa: RUF012
    wrong = {"samples": 0, "finalists": 5, "baseline_momentum": 2.0}  # noqa: RUF012


class TestRandomSearchWithSharing(OneShotSuite):
    method = "rsws"
    options = {"candidates": 4, "finalists": 2}  # noqa: RUF012
    wrong = {"finalists": 0, "candidates": 1}  # noqa: RUF012


class TestAMethodOfAThirdParty(OneShotSuite):
    """A class that no registry knows."""

    method = Counting

    def unsuited(self) -> None:
        """It derives cells of the topology space, whatever it is asked."""


def test_all_that_are_registered_are_here() -> None:
    named = {suite.method for suite in OneShotSuite.__subclasses__()}
    assert set(registry.builtin) <= named


# --- the suite finds what is wrong ----------------------------------------------------------


class Greedy(Counting):
    def epoch(self, passes: int) -> int:
        return super().epoch(passes) + self.images.batch_size


class Drawing(Counting):
    def start(self, passes: int) -> None:
        super().start(passes)
        self.sum = random.randrange(1 << 18)


class Foreign(Counting):
    def derive(self) -> Architecture:
        return (9,) * 6


class Looking(Counting):
    def start(self, passes: int) -> None:
        super().start(passes)
        recipe = self.problem.recipe
        split = Split(recipe.train_images, recipe.valid_images, recipe.test_images)
        self.seen = harness.datasets.load(self.problem.dataset, split)


class Forgetful(Counting):
    def restore(self, state: dict[str, Any]) -> None:
        """It begins anew."""


class Stubborn(Counting):
    def start(self, passes: int) -> None:
        self.seed = 0
        super().start(passes)


class Free(Counting):
    def start(self, passes: int) -> None:
        super().start(passes)
        self.cost_factor = 0.0


FAULTS = [
    (Greedy, OneShotSuite.test_an_epoch_uses_no_more_passes_than_it_is_given),
    (Drawing, OneShotSuite.test_the_same_seed_gives_the_same_to_the_last_bit),
    (Foreign, OneShotSuite.test_derived_architectures_are_of_the_space),
    (Forgetful, OneShotSuite.test_a_restored_search_goes_on_to_the_last_bit),
    (Stubborn, OneShotSuite.test_another_seed_gives_something_else),
    (Free, OneShotSuite.test_an_epoch_uses_no_more_passes_than_it_is_given),
    (Looking, OneShotSuite.test_it_sees_no_test_images),
]


@pytest.mark.parametrize(("broken", "test"), FAULTS)
def test_a_fault_is_found(
    broken: type[OneShot], test: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Suite(OneShotSuite):
        method = broken

    wanted = inspect.signature(test).parameters
    known: dict[str, Any] = {"monkeypatch": monkeypatch}
    if "straight" in wanted:
        known["straight"] = Suite().course(Suite().started())
    with pytest.raises(AssertionError):
        test(Suite(), **{name: known[name] for name in wanted if name in known})


@pytest.mark.slow
def test_an_option_that_is_accepted_wrongly_is_found() -> None:
    class Suite(OneShotSuite):
        method = Counting
        wrong = {"diverges": -1}  # noqa: RUF012

    with pytest.raises(AssertionError, match="diverges"):
        Suite().test_making_it_checks_the_options_and_needs_no_torch()
