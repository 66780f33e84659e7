"""The conformance suite of one-shot methods: what every one must do, as tests to inherit.

In a test module of your own, where torch is installed::

    from harness.testing import OneShotSuite

    class TestMyMethod(OneShotSuite):
        method = "my_method"          # a registered name, or a class
        options = {"rate": 0.1}       # such that a search of little images is quick
        wrong = {"rate": -1.0}        # options that it must refuse

and run pytest. Where the method needs a space of its own, override `problem`.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import pytest

import harness.datasets
from harness.errors import UserError
from harness.one_shot import OneShot, Problem
from harness.recipes import Recipe
from harness.spaces import Architecture, CategoricalSpace, SearchSpace, get_space
from harness.spec import SearcherSpec
from harness.testing.other_process import in_another_process

TINY = Recipe(
    train_images=40,
    valid_images=32,
    test_images=16,
    epochs=2,
    batch_size=8,
    learning_rate=0.1,
    momentum=0.9,
    network={"width": 2, "depth": 1},
)
"""How a network is trained in milliseconds."""


@dataclass(frozen=True)
class Course:
    """What came of the epochs of a search.

    Attributes:
        architectures: Derived after each epoch.
        logs: The method's figures on each, as JSON.
        state: All its state at the end.
    """

    architectures: tuple[Architecture, ...]
    logs: tuple[str, ...]
    state: Any


class OneShotSuite:
    """Inherit, set `method`, run pytest.

    Attributes:
        method: A registered name, or a class.
        options: Its options, such that an epoch takes little time.
        wrong: Options of which each alone must be refused when the method is made.
        epochs: Epochs of a search, at least two.
        epoch_passes: Image passes of an epoch, enough for a step; not a multiple of one, best.
            A phase of the method that is not reached is not tested.
    """

    method: str | type[OneShot]
    options: ClassVar[Mapping[str, Any]] = {}
    wrong: ClassVar[Mapping[str, Any]] = {}
    epochs: int = 2
    epoch_passes: int = 45

    # --- what a subclass may override ---------------------------------------------------------

    def problem(self) -> Problem:
        """Something to search in: the topology space on 40 small digits."""
        return Problem(get_space("tss"), "digits", TINY)

    def unsuited(self) -> SearchSpace | None:
        """A space that the method must refuse, for it has no supernet; None if there is none."""
        return CategoricalSpace("tiny", [["a", "b"], ["1", "2", "3"]])

    # --- helpers ------------------------------------------------------------------------------

    def build(self, seed: int = 1, **changes: Any) -> OneShot:
        """A fresh method, not started; options may be changed."""
        return build(self.method, self.problem(), seed, {**self.options, **changes})

    def started(self, seed: int = 1) -> OneShot:
        """A fresh method, ready for its first epoch."""
        method = self.build(seed)
        method.start(self.epochs * self.epoch_passes)
        return method

    def course(self, method: OneShot, epochs: int | None = None) -> Course:
        """Run some epochs (None: all) of a started method."""
        architectures, logs = [], []
        for _ in range(self.epochs if epochs is None else epochs):
            method.epoch(self.epoch_passes)
            architectures.append(method.derive())
            logs.append(json.dumps(method.log(), allow_nan=False))
        return Course(tuple(architectures), tuple(logs), method.state())

    @pytest.fixture(scope="class")
    @classmethod
    def straight(cls) -> Course:
        """A search that nothing disturbs."""
        suite = cls()
        return suite.course(suite.started())

    # --- when it is made ----------------------------------------------------------------------

    def test_making_it_checks_the_options_and_needs_no_torch(self) -> None:
        built = self.method, self.problem(), dict(self.options), {**self.wrong, "epochs": 0}
        found = in_another_process(_made, *built)
        assert found == {"torch": False, "accepted": []}

    def test_a_space_without_a_supernet_is_refused(self) -> None:
        space = self.unsuited()
        if space is None:
            pytest.skip("every space will do")
        problem = Problem(space, self.problem().dataset, self.problem().recipe)
        with pytest.raises(UserError):
            build(self.method, problem, 1, self.options).start(self.epoch_passes)

    # --- repeatable ---------------------------------------------------------------------------

    def test_the_same_seed_gives_the_same_to_the_last_bit(self, straight: Course) -> None:
        """Whatever state the process's own generators are in; and it leaves them in that state."""
        import torch

        before = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            random.seed(7)
            np.random.seed(7)
            torch.manual_seed(7)
            marks = _marks()
            again = self.course(self.started())
            assert _marks() == marks
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
            torch.set_rng_state(before[2])
        assert same(again, straight)

    def test_another_seed_gives_something_else(self, straight: Course) -> None:
        other = self.course(self.started(seed=2))
        assert (other.architectures, other.logs) != (straight.architectures, straight.logs)

    def test_a_restored_search_goes_on_to_the_last_bit(self, straight: Course) -> None:
        """From a file that holds plain data, and that what came after it has not changed."""
        import torch

        first = self.started()
        before = self.course(first, 1)
        state = first.state()
        self.course(first, 1)
        file = BytesIO()
        torch.save(state, file)
        file.seek(0)
        resumed = self.started()
        resumed.restore(torch.load(file, weights_only=True))
        after = self.course(resumed, self.epochs - 1)
        assert before.architectures + after.architectures == straight.architectures
        assert before.logs + after.logs == straight.logs
        assert same(after.state, straight.state)

    # --- what it may do -----------------------------------------------------------------------

    def test_derived_architectures_are_of_the_space(self, straight: Course) -> None:
        space = self.problem().space
        for architecture in straight.architectures:
            assert architecture in space
            assert space.from_string(space.to_string(architecture)) == architecture

    def test_an_epoch_uses_no_more_passes_than_it_is_given(self) -> None:
        """None where they make no step, and some where there are enough."""
        method = self.started()
        assert 0 < method.cost_factor < math.inf
        # What has not been trained holds an architecture, too.
        assert method.derive() in self.problem().space
        batch = self.problem().recipe.batch_size
        for passes in (0, 1, batch - 1, batch, 2 * batch + 1, self.epoch_passes):
            used = method.epoch(passes)
            assert isinstance(used, int)
            assert 0 <= used <= passes
        assert used > 0
        assert method.derive() in self.problem().space

    def test_it_sees_no_test_images(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from harness.training.data import _tensors

        asked = []
        load = harness.datasets.load

        def listening(*words: Any, **options: Any) -> Any:
            found = load(*words, **options)
            asked.append((options.get("tested", True), len(found.test)))
            return found

        _tensors.cache_clear()
        monkeypatch.setattr(harness.datasets, "load", listening)
        method = self.started()
        self.course(method, 1)
        assert asked
        assert all(answer == (False, 0) for answer in asked)
        assert len(method.problem.data.test) == 0


def build(
    method: str | type[OneShot], problem: Problem, seed: int, options: Mapping[str, Any]
) -> OneShot:
    """A method from a registered name or a class."""
    if isinstance(method, str):
        return SearcherSpec(method, dict(options)).build_one_shot(problem, seed)
    return method(problem, seed, **options)


def same(a: Any, b: Any) -> bool:
    """Whether two nested values are equal, tensors and arrays to the last bit."""
    import torch

    if isinstance(a, Course) and isinstance(b, Course):
        return all(same(getattr(a, name), getattr(b, name)) for name in vars(a))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(np.array_equal(a, b, equal_nan=True))
    return bool(a == b)


def _marks() -> tuple[Any, ...]:
    """The states of the process's generators."""
    import torch

    numpy_state: Any = np.random.get_state()
    return random.getstate(), numpy_state[1].tobytes(), torch.get_rng_state().numpy().tobytes()


def _made(
    method: str | type[OneShot],
    problem: Problem,
    options: Mapping[str, Any],
    wrong: Mapping[str, Any],
) -> dict[str, Any]:
    """Whether making a method loads torch, and which of the wrong options it accepts."""
    build(method, problem, 1, options)
    accepted = []
    for name, value in wrong.items():
        try:
            build(method, problem, 1, {**options, name: value})
        except UserError:
            continue
        accepted.append(name)
    return {"torch": "torch" in sys.modules, "accepted": accepted}
