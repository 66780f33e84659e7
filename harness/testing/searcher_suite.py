"""The conformance suite: what every searcher must do, as tests that a third party inherits.

In a test module of your own::

    from harness.testing import SearcherSuite

    class TestMySearcher(SearcherSuite):
        searcher = "my_searcher:option=3"    # a registered name with options, or a class

and run pytest. Where the searcher needs a space of its own, override `space` and `tiny_space`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.benchmarks import Benchmark
from harness.experiment import BenchmarkSpec, Experiment
from harness.loop import Budget, Search, run_search
from harness.searcher import MultiFidelitySearcher, Proposal, Searcher
from harness.spaces import CategoricalSpace, SearchSpace, get_space
from harness.spec import SearcherSpec
from harness.testing.conversation import Ask, Conversation, converse, notation
from harness.testing.other_process import in_another_process
from harness.testing.tables import synthetic_table
from harness.traces import read_batch, trace_files


class SearcherSuite:
    """Inherit, set `searcher`, run pytest.

    Attributes:
        searcher: A command-line word (``"name:option=value"``), or a class.
        options: Options for a class; a word has its own.
        asks: Proposals a test. Set it so that every phase of the strategy is reached.
        initial_design: Of how many first proposals it is promised that they are those of random
            search under the same seed.
        fidelities: What the strategy may ask for; (1, ..., 12) fits the synthetic tables.
        lanes: Name -> arguments of `Experiment.run`: ways to run an experiment that must agree
            with the plain search loop, digest for digest.
    """

    searcher: str | type[Searcher]
    options: ClassVar[Mapping[str, Any]] = {}
    asks: int = 150
    initial_design: int = 0
    fidelities: ClassVar[Sequence[int]] = ()
    lanes: ClassVar[Mapping[str, Mapping[str, Any]]] = {"inline": {"inline": True}}

    # --- what a subclass may override ---------------------------------------------------------

    def space(self) -> SearchSpace:
        """An ordinary space."""
        return get_space("tss")

    def tiny_space(self) -> SearchSpace:
        """A space with so few architectures that every search exhausts it."""
        return CategoricalSpace("tiny", [["a", "b"], ["1", "2", "3"]])

    def build(self, space: SearchSpace, seed: int) -> Searcher:
        """A fresh searcher."""
        return build(self.searcher, self.options, space, seed, self.fidelities)

    # --- helpers ------------------------------------------------------------------------------

    def converse(self, seed: int = 1, **how: Any) -> Conversation:
        """Ask and tell a fresh searcher; see `harness.testing.conversation.converse`."""
        space = how.pop("space", None) or self.space()
        return converse(self.build(space, seed), space, how.pop("asks", self.asks), **how)

    @pytest.fixture
    def table_path(self, tmp_path: Path) -> Path:
        """A synthetic table over the ordinary space."""
        return self.write_table(tmp_path / "synthetic.table")

    def write_table(self, path: Path, **how: Any) -> Path:
        """Write a synthetic table over the ordinary space, where there can be one."""
        space = self.space()
        if not isinstance(space, CategoricalSpace):
            pytest.skip(f"no synthetic table for the space '{space.name}'")
        synthetic_table(path, space, **how)
        return path

    # --- repeatable ---------------------------------------------------------------------------

    def test_same_seed_same_sequence(self) -> None:
        assert self.converse(seed=1).proposals == self.converse(seed=1).proposals

    def test_other_seed_other_sequence(self) -> None:
        assert self.converse(seed=1).proposals != self.converse(seed=2).proposals

    def test_same_sequence_in_another_process(self) -> None:
        """Another PYTHONHASHSEED changes the order of sets, and must not change proposals."""
        built = (self.searcher, dict(self.options), self.space(), 1, tuple(self.fidelities))
        there = in_another_process(_proposals, built, self.asks)
        assert there == notation(self.space(), self.converse().proposals)

    def test_global_random_state_is_neither_used_nor_changed(self) -> None:
        sequences = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            before = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]
            sequences.append(self.converse().proposals)
            after = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]
            assert before == after
        assert sequences[0] == sequences[1]

    @pytest.mark.parametrize("workers", [1, 4])
    def test_replay_of_the_log_gives_the_same_state(self, workers: int) -> None:
        """State is a fold over asks and tells: a resumed search goes on as if never stopped."""
        space = self.space()
        half = converse(self.build(space, 1), space, self.asks // 2, workers=workers)
        resumed = self.build(space, 1)
        for event in half.events:
            if isinstance(event, Ask):
                assert resumed.ask() == event.proposal
            else:
                resumed.tell(event.observation)
        straight = self.converse(workers=workers)
        rest = converse(resumed, space, self.asks, workers=workers, history=half)
        assert rest.proposals == straight.proposals

    def test_statistics_are_repeatable_and_plain(self) -> None:
        first, second = self.converse(), self.converse()
        assert json.dumps(first.searcher.statistics()) == json.dumps(second.searcher.statistics())

    # --- proposals ----------------------------------------------------------------------------

    def test_proposals_lie_in_the_space(self) -> None:
        space = self.space()
        for proposal in self.converse().proposals:
            assert isinstance(proposal, Proposal)
            assert proposal.architecture in space

    def test_initial_design_is_that_of_random_search(self) -> None:
        space = self.space()
        initial = self.build(space, 1).initial
        expected = [space.sample(initial) for _ in range(self.initial_design)]
        proposals = self.converse().proposals[: self.initial_design]
        assert [proposal.architecture for proposal in proposals] == expected

    # --- what the world may do ----------------------------------------------------------------

    @pytest.mark.parametrize("workers", [2, 7])
    def test_results_out_of_order(self, workers: int) -> None:
        """The last proposal is told first, and the first may wait for the whole search."""
        talk = self.converse(workers=workers, last_first=True)
        assert len(talk.proposals) == self.asks or talk.over
        assert all(p.architecture in self.space() for p in talk.proposals)

    @pytest.mark.parametrize("pattern", ["all", "every second", "the first forty"])
    def test_failed_results(self, pattern: str) -> None:
        failing: Callable[[int], bool] = {
            "all": lambda number: True,
            "every second": lambda number: number % 2 == 0,
            "the first forty": lambda number: number < 40,
        }[pattern]
        talk = self.converse(failing=failing)
        assert len(talk.proposals) == self.asks or talk.over

    def test_equal_results(self) -> None:
        talk = self.converse(score=lambda text, visit: 50.0)
        assert len(talk.proposals) == self.asks or talk.over

    def test_a_repeated_architecture_may_get_another_value(self) -> None:
        talk = self.converse(space=self.tiny_space(), score=lambda text, visit: float(visit % 3))
        assert len(talk.proposals) == self.asks or talk.over

    def test_exhausted_space(self) -> None:
        """The search ends, or stays inside; once over it stays over."""
        space = self.tiny_space()
        for workers in (1, 3):
            talk = self.converse(space=space, asks=300, workers=workers)
            assert all(p.architecture in space for p in talk.proposals)
            assert len(talk.proposals) == 300 or talk.over
            if talk.over:
                assert talk.searcher.ask() is None

    def test_results_that_never_come(self) -> None:
        """Asking on without telling gives proposals or None, and telling late is heard."""
        space = self.space()
        talk = self.converse(workers=64, asks=64)
        assert talk.proposals
        late = converse(talk.searcher, space, 128, workers=1, history=talk)
        assert len(late.proposals) == 128 or late.over

    # --- in the harness -----------------------------------------------------------------------

    def question(self, path: Path, **options: Any) -> BenchmarkSpec:
        """A table under a protocol that suits the strategy."""
        return BenchmarkSpec(str(path), "multi-fidelity" if self.fidelities else None, options)

    def search(self, table: Benchmark, seed: int, workers: int) -> Search:
        """A search of 100 evaluations on a benchmark."""
        searcher = self.build(table.search_space(), seed)
        if isinstance(self.searcher, str):
            identity = SearcherSpec.parse(self.searcher).identity
        else:
            identity = {"searcher": self.searcher.__name__, "options": dict(self.options)}
        return Search(searcher, table, Budget(evaluations=100), seed, identity, workers)

    @pytest.mark.parametrize("workers", [1, 5])
    def test_search_is_repeatable(self, table_path: Path, workers: int) -> None:
        table = self.question(table_path).open()
        first, second = (run_search(self.search(table, 3, workers)) for _ in range(2))
        assert first.digest == second.digest
        assert len(first) == 100 or first.header["stopped"] == "exhausted"

    @pytest.mark.parametrize("repeat", ["cached", "fresh"])
    def test_partial_table_with_failures(self, tmp_path: Path, repeat: str) -> None:
        """Architectures that the table lacks are never proposed; failed ones are survived."""
        path = self.write_table(tmp_path / "partial.table", coverage=0.3, failing=0.2)
        table = self.question(path, missing="resample", repeat=repeat).open()
        trace = run_search(self.search(table, 1, 2))
        assert len(trace) == 100 or trace.header["stopped"] == "exhausted"
        assert (trace.columns["row"] >= 0).all()

    def test_lanes_agree(self, table_path: Path, tmp_path: Path) -> None:
        """Every lane leaves the traces of the plain search loop."""
        if not isinstance(self.searcher, str):
            pytest.skip("an experiment takes registered searchers; name it by its word")
        table = self.question(table_path).open()
        plain = [run_search(self.search(table, seed, 2)).digest for seed in range(2)]
        for lane, how in self.lanes.items():
            experiment = Experiment(
                [self.question(table_path)], [self.searcher], 2, Budget(evaluations=100), workers=2
            )
            out = experiment.run(tmp_path / lane, **how)
            traces = [trace for file in trace_files(out) for trace in read_batch(file)]
            traces.sort(key=lambda trace: trace.header["seed"])
            assert [trace.digest for trace in traces] == plain, f"lane '{lane}'"


def build(
    searcher: str | type[Searcher],
    options: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    fidelities: Sequence[int] = (),
) -> Searcher:
    """A searcher from a command-line word or a class."""
    if isinstance(searcher, str):
        return SearcherSpec.parse(searcher).build(space, seed, fidelities)
    if issubclass(searcher, MultiFidelitySearcher):
        return searcher(space, seed, fidelities, **options)
    return searcher(space, seed, **options)


def _proposals(
    built: tuple[str | type[Searcher], Mapping[str, Any], SearchSpace, int, Sequence[int]],
    asks: int,
) -> list[str]:
    """A searcher's proposals as text; `built` is what `build` takes."""
    space = built[2]
    return notation(space, converse(build(*built), space, asks).proposals)
