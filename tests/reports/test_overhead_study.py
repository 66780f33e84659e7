"""The study of search logic: what is timed, what is added up, who is left out."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

import searchers
from harness.api import search
from harness.benchmarks import open_benchmark
from harness.errors import ReplayError, UserError
from harness.loop import Budget
from harness.searcher import Observation, Proposal, Searcher
from harness.spec import SearcherSpec
from harness.streams import stream
from reports.rendering import write_document
from reports.rounding import to_json
from reports.studies.overhead import document, overhead
from reports.studies.overhead.document import PUBLISHED, PUBLISHED_TRAINING
from reports.studies.overhead.study import replay

BURNT = 0.02
_CALLS = itertools.count()


class Burning(Searcher):
    """Random search that keeps the processor busy at each question."""

    def ask(self) -> Proposal:
        until = time.process_time() + BURNT
        while time.process_time() < until:
            pass
        return Proposal(self.space.sample(self.initial))

    def tell(self, observation: Observation) -> None:
        """Nothing is learnt."""


class Fickle(Searcher):
    """Proposals that depend on how often anyone was asked."""

    def ask(self) -> Proposal:
        return Proposal(self.space.sample(stream(next(_CALLS), "fickle")))

    def tell(self, observation: Observation) -> None:
        """Nothing is learnt."""


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the two strategies of this file."""
    for name, kind in (("burning", Burning), ("fickle", Fickle)):
        path = f"{__name__}:{kind.__name__}"
        monkeypatch.setitem(searchers.registry.builtin, name, path)


def test_only_the_logic_is_timed(ours: None) -> None:
    found = overhead(
        "tss-digits", searchers=["burning"], budget=Budget(evaluations=5), seeds=2, repeats=2
    ).measured[0]
    # The fifth answer is followed by no further question.
    assert 5 * BURNT <= found.least <= found.logic <= found.most
    assert found.logic < 10 * BURNT
    assert found.evaluations == 5.0
    assert found.proposal == pytest.approx(found.logic / 5)


def test_virtual_seconds_are_those_of_the_traces() -> None:
    result = overhead(
        "tss-digits",
        searchers=["random_search", "local_search"],
        budget=Budget(evaluations=12),
        seeds=2,
        repeats=1,
    )
    for found in result.measured:
        spent = []
        for seed in range(2):
            columns = search("tss-digits", found.searcher, seed=seed, evaluations=12).columns
            spent.append((columns["end"] - columns["start"]).sum() / 1e6)
        assert found.training == pytest.approx(sum(spent) / 2)
        assert found.share == pytest.approx(found.logic / (found.logic + found.training))
    assert [m.logic for m in result.measured] == sorted(m.logic for m in result.measured)


def test_a_conversation_that_cannot_be_repeated(ours: None) -> None:
    benchmark = open_benchmark("tss-digits")
    spec = SearcherSpec("fickle")
    with pytest.raises(ReplayError, match="proposes something else"):
        replay(spec, benchmark, 0, [(True, Proposal((0,) * 6))])


def test_strategies_that_do_not_suit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(searchers.registry, "names", lambda: ["random_search", "asha"])
    result = overhead("tss-digits", budget=Budget(evaluations=3), seeds=1, repeats=1)
    assert list(result.unsuited) == ["asha"] and "fidelities" in result.unsuited["asha"]
    page = document(result)
    assert any("asha" in sentence for sentence in page.lead)
    write_document(page, tmp_path, summary=to_json(result), formats=("html", "md"))
    assert "Measured on this machine" in (tmp_path / "report.md").read_text()
    with pytest.raises(UserError, match="several fidelities"):
        overhead("tss-digits", searchers=["asha"])
    monkeypatch.setattr(searchers.registry, "names", lambda: ["asha"])
    with pytest.raises(UserError, match="no strategy suits"):
        overhead("tss-digits", seeds=1, repeats=1)


def test_published_shares() -> None:
    shares = [logic / (logic + PUBLISHED_TRAINING) for _, logic in PUBLISHED]
    assert shares == pytest.approx([0.8 / 30_000.8, 34.1 / 30_034.1])


def test_mistakes() -> None:
    with pytest.raises(UserError, match="at least 1"):
        overhead("tss-digits", repeats=0)
