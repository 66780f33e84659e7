"""Verdicts in a summary, and the sections that show them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from reports import write_report
from reports.build import summarise
from reports.comparison import BETTER, WORSE
from reports.document import Section
from reports.intervals import Estimate
from reports.sections.across import across, sentence
from reports.sections.comparisons import comparisons
from reports.sections.evidence import evidence
from reports.sections.evidence_method import evidence_method
from reports.sections.ranking import ranking
from reports.statistics.overall import Overall
from reports.statistics.ranks import ranks
from reports.summary import Summary


@pytest.fixture(scope="module")
def summary(results: Path) -> Summary:
    return summarise(results)


def sections(summary: Summary) -> list[Section]:
    """All sections of this file's concern."""
    found = [across(summary), ranking(summary), evidence_method(summary)]
    found += [evidence(summary, benchmark) for benchmark in summary.benchmarks]
    return [part for section in found if section is not None for part in section]


def words(summary: Summary) -> str:
    """All that the sections say."""
    texts: list[str] = []
    for section in sections(summary):
        texts += [section.title, *section.text]
        for table in section.tables:
            texts += [table.title, table.note, *(str(c) for row in table.rows for c in row)]
    return "\n".join(texts)


def drawn(spec: dict[str, Any]) -> str:
    """A figure as SVG."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg({**spec, "width": 600})
    return svg


def test_a_summary_has_verdicts(summary: Summary) -> None:
    strategy = next(s["searcher"] for s in summary.searchers if s["strategy"] != "random_search")
    for benchmark in summary.benchmarks:
        assert benchmark.space == "tss"
        (found,) = benchmark.evidence
        headline = benchmark.headline(strategy)
        assert headline is not None
        assert (found.searcher, found.reference) == (strategy, headline.reference)
        assert found.dominance is not None and found.dominance.n == headline.n
        assert found.equivalence is not None and found.equivalence.margin == 0.1
        assert found.equivalence.difference.mean == pytest.approx(headline.difference.mean)
        assert found.power is not None
        assert found.power.family == summary.family[headline.reference]
    (joint,) = summary.overall
    assert (joint.benchmarks, joint.spaces, joint.datasets) == (2, ("tss",), 2)
    verdicts = [b.comparisons[0].verdict for b in summary.benchmarks]
    assert (joint.better, joint.worse) == (verdicts.count(BETTER), verdicts.count(WORSE))
    assert joint.beyond is not None and joint.resampled == "data sets"
    assert summary.ranks is not None and summary.ranks.untested == "too few: 1 of 6 search spaces"
    assert len(summary.ranks.searchers) == 2


def test_summaries_return_from_json_and_old_ones_load(summary: Summary) -> None:
    text = summary.to_json()
    again = Summary.from_json(text)
    assert again.to_json() == text
    assert again.benchmarks[0].comparisons[0].difference.method != ""

    def older(value: Any, *new: str) -> Any:
        """Without what summaries of before did not have."""
        if isinstance(value, dict):
            new = new or (("method",) if {"mean", "low", "high"} < set(value) else ())
            new += ("space", "evidence") if "comparisons" in value else ()
            return {k: older(v) for k, v in value.items() if k not in new}
        return [older(v) for v in value] if isinstance(value, list) else value

    old = Summary.from_json(json.dumps(older(json.loads(text), "overall", "ranks")))
    assert old.overall == () and old.ranks is None and old.benchmarks[0].evidence == ()
    assert sections(old) == []


def test_the_margin_is_an_option(results: Path) -> None:
    wide = summarise(results, margin=60.0)
    for benchmark in wide.benchmarks:
        (found,) = benchmark.evidence
        assert found.equivalence is not None and found.equivalence.shown
        shown = comparisons(wide, benchmark)
        assert shown is not None
        assert any("equivalent within 60 pp" in str(row[-1]) for row in shown.tables[0].rows)
    assert wide.overall[0].equivalent == 2
    assert "equivalent within the margin on 2" in words(wide)
    for margin in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="margin"):
            write_report(results, margin=margin)


def test_sections_say_what_they_cannot(summary: Summary) -> None:
    said = words(summary)
    assert "one search space (tss): nothing here says how the strategies do in other" in said
    assert "too few: 1 of 6 search spaces" in said
    assert "too few searches" in said  # 12 seeds are no evidence of dominance
    names = [section.name for section in sections(summary)]
    tables = [t.name for section in sections(summary) for t in section.tables]
    figures = [f.name for section in sections(summary) for f in section.figures]
    for found in (names, tables, figures):
        assert len(set(found)) == len(found)


def test_every_figure_draws_what_the_summary_holds(summary: Summary) -> None:
    figures = [figure for section in sections(summary) for figure in section.figures]
    assert {f.name.rpartition("-")[2] for f in figures} == {"differences", "gap"}
    strategy = summary.overall[0].searcher
    for figure in figures:
        assert "NaN" not in drawn(figure.spec)
        assert all(row[0] == strategy for row in figure.data.rows)
    forest = next(f for f in figures if f.name == "differences")
    for row, benchmark in zip(forest.data.rows, summary.benchmarks, strict=True):
        headline = benchmark.headline(strategy)
        assert headline is not None and row[1] == benchmark.name
        assert row[2:5] == pytest.approx(
            (headline.difference.mean, headline.difference.low, headline.difference.high)
        )
    # One of the two benchmarks leaks, which stands on all that is drawn from it.
    assert "LEAK" in json.dumps(forest.spec)


def test_differences_are_advantages_where_less_is_better(summary: Summary) -> None:
    benchmarks = tuple(replace(b, maximize=False) for b in summary.benchmarks)
    section = across(replace(summary, benchmarks=benchmarks))
    assert section is not None
    for row, benchmark in zip(section.figures[0].data.rows, benchmarks, strict=True):
        found = benchmark.headline(summary.overall[0].searcher)
        assert found is not None and found.difference.mean is not None
        assert found.difference.low is not None and found.difference.high is not None
        expected = (-found.difference.mean, -found.difference.high, -found.difference.low)
        assert row[2:5] == pytest.approx(expected)


OVERALL = Overall(
    searcher="s",
    benchmarks=4,
    better=2,
    worse=1,
    equivalent=0,
    spaces=("a", "b"),
    datasets=3,
    seeds=20,
    unit="%",
    here=Estimate(0.5, 0.25, 0.75),
    beyond=Estimate(0.5, -1.0, 2.0),
    resampled="search spaces",
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            "`s`: better than random search on 2 of 4 benchmarks, worse on 1; mean difference"
            " +0.500 pp [+0.250, +0.750] here, over 20 seeds; [−1.000, +2.000] for other search"
            " spaces like these.",
        ),
        (
            {"benchmarks": 1, "better": 1, "worse": 0, "beyond": None, "equivalent": 1},
            "`s`: better than random search on 1 of 1 benchmark, equivalent within the margin on"
            " 1; mean difference +0.500 pp [+0.250, +0.750] here, over 20 seeds.",
        ),
        (
            {"here": Estimate(0.5, None, None), "seeds": 1, "worse": 0},
            "`s`: better than random search on 2 of 4 benchmarks; mean difference +0.500 pp, from"
            " one seed.",
        ),
        (
            {"here": Estimate(None, None, None), "beyond": None, "worse": 0},
            "`s`: better than random search on 2 of 4 benchmarks; no seed has results on all of"
            " them.",
        ),
    ],
)
def test_one_sentence_a_strategy(changes: dict[str, Any], expected: str) -> None:
    assert sentence(replace(OVERALL, **changes)) == expected


def test_one_data_set_is_said_to_be_one(summary: Summary) -> None:
    one = replace(OVERALL, datasets=1, spaces=("a",), beyond=None)
    section = across(replace(summary, overall=(one,)))
    assert section is not None
    assert any("one data set: nothing here says" in text for text in section.text)
    assert not any("hierarchical" in text for text in section.text)


def test_the_critical_difference_diagram(summary: Summary) -> None:
    rng = np.random.default_rng(0)
    label = summary.overall[0].searcher
    gains = {
        (f"space {i}", f"b{i}"): {label: 3.0, "x": rng.normal(), "y": rng.normal(), "z": -9.0}
        for i in range(8)
    }
    found = ranks(gains)
    section = ranking(replace(summary, ranks=found))
    assert section is not None and found.critical_difference is not None
    (diagram,) = section.figures
    svg = drawn(diagram.spec)
    assert "NaN" not in svg and all(name in svg for name in (label, "x", "y", "z"))
    strategies = [row for row in diagram.data.rows if row[0] == "strategy"]
    assert [row[1] for row in strategies] == list(found.searchers)
    bars = [row for row in diagram.data.rows if row[0] != "strategy"]
    assert len(bars) == len(found.groups) > 0
    for row, group in zip(bars, found.groups, strict=True):
        ends = [found.mean_ranks[found.searchers.index(name)] for name in (group[0], group[-1])]
        assert row[2:] == pytest.approx(tuple(ends))
    assert len(section.tables[0].rows) == 6
    assert "8 search spaces" in section.text[0]
