"""The report as a whole: what is computed, drawn, written, and what happens when parts lack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest

from harness.benchmarks import open_benchmark
from harness.errors import UserError
from harness.experiment import Experiment
from harness.traces import load_traces
from reports import load_summary, summarise, write_report
from reports.charts import EXACT
from reports.comparison import UNDECIDED
from reports.document import Figure
from reports.random_search import exact_baseline
from reports.rendering.page import script_json
from reports.rendering.write import contents
from reports.report_document import document
from reports.summary import Summary
from tests.reports.conftest import edited


@pytest.fixture(scope="module")
def summary(page: Path) -> Summary:
    """The summary beside the page."""
    return load_summary(page.with_name("summary.json"))


def render(summary: Summary) -> str:
    """The page of a summary."""
    text = contents(document(summary), ("html",))["index.html"]
    assert isinstance(text, str)
    return text


def figures_of(summary: Summary, name: str = "") -> list[Figure]:
    """The figures of a report whose names begin so."""
    found = [figure for section in document(summary) for figure in section.figures]
    return [figure for figure in found if figure.name.startswith(name)]


class Elements(HTMLParser):
    """Start tags with their attributes, the text outside scripts and styles, and open tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "img", "input", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text.append(data)


# --- what is computed ------------------------------------------------------------------------


def test_final_results_equal_a_plain_computation(results: Path, summary: Summary) -> None:
    frame = load_traces(results)
    for benchmark in summary.benchmarks:
        name = benchmark.name
        for final in benchmark.finals:
            rows = frame[(frame["searcher"] == final.searcher) & (frame["benchmark"] == name)]
            rows = rows.dropna(subset="selection")
            best = rows.loc[rows.groupby("seed")["selection"].idxmax()]
            assert final.report.mean == pytest.approx(best["report"].mean(), rel=1e-9)
            assert final.selection == pytest.approx(best["selection"].mean(), rel=1e-9)
            gap = (best["selection"] - best["true"]).mean()
            assert final.optimism.mean == pytest.approx(gap, rel=1e-6, abs=1e-8)


def test_exact_random_search_is_that_of_the_table(summary: Summary, table: Path) -> None:
    exact = summary.benchmarks[0].exact
    assert exact is not None and exact.final is not None and exact.check is not None
    expected = exact_baseline(open_benchmark(f"{table}#one")).reported(30)
    assert exact.n == 30 and exact.same_as_sampled
    assert exact.final.mean == pytest.approx(expected.mean)
    assert exact.curve.report[-1] == pytest.approx(expected.mean)
    assert exact.curve.success[0] == pytest.approx(0.9, abs=0.02)
    assert exact.check.agrees
    sampled = next(f for f in summary.benchmarks[0].finals if f.searcher == exact.check.searcher)
    z = (exact.check.sampled - expected.mean) / (expected.sd / np.sqrt(sampled.n))
    assert exact.check.z == pytest.approx(z, rel=1e-6)


def test_everything_but_random_search_is_compared_twice(summary: Summary) -> None:
    for benchmark in summary.benchmarks:
        assert [(c.searcher, c.reference) for c in benchmark.comparisons] == [
            (summary.searchers[1]["searcher"], reference) for reference in ("exact", "sampled")
        ]
    assert summary.family == {"exact": 2, "sampled": 2}
    assert summary.finished == summary.expected == 48
    assert summary.evaluations == 48 * 30


def test_the_experiment_file_repeats_the_experiment(summary: Summary, tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(summary.experiment)
    again = Experiment.from_yaml(path)
    described = again.describe()
    assert [s["searcher"] for s in described["searchers"]] == [
        s["searcher"] for s in summary.searchers
    ]
    assert [b["protocol_hash"] for b in described["benchmarks"]] == [
        b.protocol_hash for b in summary.benchmarks
    ]
    assert described["seeds"] == list(summary.seeds)
    assert {k: v for k, v in described["budget"].items() if v} == {"evaluations": 30}


# --- what is written -------------------------------------------------------------------------


def test_a_second_report_has_the_same_bytes(page: Path, results: Path) -> None:
    before = {path: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    assert {path.suffix for path in before} == {
        ".html", ".md", ".json", ".svg", ".pdf", ".csv", ".tex",
    }  # fmt: skip
    assert write_report(results) == page
    assert {path: path.read_bytes() for path in before} == before


def test_the_page_shows_nothing_but_the_summary(page: Path, summary: Summary) -> None:
    assert render(summary) == page.read_text()


def test_the_page_loads_nothing(page: Path) -> None:
    text = page.read_text()
    assert page.stat().st_size < 5_000_000
    parsed = Elements(text)
    for tag, attributes in parsed.tags:
        assert tag not in ("link", "iframe", "object", "embed", "img", "base")
        assert not {"src", "srcset", "data", "action"} & set(attributes), tag
        assert (attributes.get("href") or "#").startswith(("#", "tables/", "figures/"))
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)\w+:", outside)
    policy = next(a for t, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy["content"])
    assert "http" not in str(policy["content"])


def test_the_page_is_well_formed_and_accessible(page: Path, summary: Summary) -> None:
    parsed = Elements(page.read_text())
    assert parsed.open == []
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("table") == tags.count("caption") > 0
    assert all(a.get("scope") in ("row", "col") for tag, a in parsed.tags if tag == "th")
    assert ("html", {"lang": "en"}) in parsed.tags
    identifiers = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(set(identifiers)) == len(identifiers)
    # One static figure for each that needs scripts.
    static = [a for _, a in parsed.tags if a.get("class") == "static"]
    assert len(static) == tags.count("figure") == len(figures_of(summary)) >= 10


def test_the_page_tells_protocol_budget_and_commands(page: Path, summary: Summary) -> None:
    text = " ".join("".join(Elements(page.read_text()).text).split())
    for benchmark in summary.benchmarks:
        assert benchmark.protocol_hash in text and benchmark.checksum in text
        assert all(run.digest[:16] in text for run in benchmark.searches)
        assert all(benchmark.protocol[role]["column"] in text for role in ("search", "report"))
    assert "<wbr>" not in text
    assert "30 evaluations a search" in text and "12 seeds" in text
    assert "nas-harness run experiment.yaml" in text and "nas-harness report" in text
    assert all(f"{name} {version}" in text for name, version in summary.versions.items())


def test_leaks_are_stamped_on_every_figure(page: Path, summary: Summary) -> None:
    clean, leaky = summary.benchmarks
    assert not clean.leaks and leaky.leaks
    stamped = {"synthetic-one-": False, "synthetic-two-": True}
    for name, leaks in stamped.items():
        figures = figures_of(summary, name)
        assert len(figures) >= 5
        for figure in figures:
            assert ("LEAK" in json.dumps(figure.spec["title"])) == leaks
            drawn = (page.parent / "figures" / f"{figure.name}.svg").read_text()
            assert ("LEAK" in drawn) == leaks
    # Above the answer, and above the benchmark's own section.
    text = page.read_text()
    assert text.count("Leak, permitted by allow_leak") == 2
    assert text.index("Leak, permitted by allow_leak") < text.index("search strategies on")
    assert "Leak, permitted by allow_leak" in page.with_name("report.md").read_text().replace(
        "\\_", "_"
    )


def test_figures_keep_to_the_schema_of_vega_lite(summary: Summary) -> None:
    for figure in figures_of(summary):
        alt.LayerChart.from_dict(figure.spec) if "layer" in figure.spec else alt.Chart.from_dict(
            figure.spec
        )


def numbers(value: Any) -> Iterator[float]:
    """All floats in a nest of lists and dictionaries."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from numbers(v)
    elif isinstance(value, list):
        for v in value:
            yield from numbers(v)


def test_figures_hold_few_points_and_no_numbers_of_their_own(summary: Summary) -> None:
    # Shares are shown in per cent.
    known = {
        f"{scale * v:.6g}"
        for v in numbers(json.loads(summary.to_json()))
        for scale in (1, -1, 100, -100)
    }
    for figure in figures_of(summary, "synthetic-one-"):
        data = figure.spec["datasets"][figure.spec["data"]["name"]]
        assert 0 < len(data) < 1_000
        assert {"searcher"} < set(data[0]) or figure.name.endswith("-tail")
        if "regret" in figure.title.lower():
            continue
        shown = {f"{v:.6g}" for row in data for k, v in row.items() if isinstance(v, float)}
        assert len(shown - known - {f"{i / 100:.6g}" for i in range(101)}) == 0
        exact = ("-anytime", "-spread", "-steps", "-optimism", "-equivalent", "-evaluations")
        assert (EXACT in {row.get("searcher") for row in data}) == figure.name.endswith(exact)


# --- what lacks ------------------------------------------------------------------------------


def test_a_table_that_is_not_there(results: Path, tmp_path: Path) -> None:
    def elsewhere(benchmarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**b, "source": "gone.table"} for b in benchmarks]

    copy = edited(results, tmp_path / "copy", benchmarks=elsewhere)
    found = summarise(copy)
    benchmark = found.benchmarks[0]
    assert benchmark.exact is None and benchmark.optimum is None
    assert "table not found" in benchmark.exact_missing
    assert [c.reference for c in benchmark.comparisons] == ["sampled"]
    headline = benchmark.headline(found.searchers[1]["searcher"])
    assert headline is not None and headline.reference == "sampled"
    assert "Exact random search not available" in render(found)


def test_a_table_given_by_hand(results: Path, tmp_path: Path, table: Path) -> None:
    def elsewhere(benchmarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**b, "source": "gone.table"} for b in benchmarks]

    copy = edited(results, tmp_path / "copy", benchmarks=elsewhere)
    found = summarise(copy, {"synthetic#one": open_benchmark(f"{table}#one")})
    assert found.benchmarks[0].exact is not None
    assert found.benchmarks[1].exact is None


def test_a_table_that_has_changed(results: Path, tmp_path: Path) -> None:
    def other(benchmarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**b, "checksum": "0" * 64} for b in benchmarks]

    found = summarise(edited(results, tmp_path / "copy", benchmarks=other))
    assert "has changed" in found.benchmarks[0].exact_missing


def test_a_budget_in_seconds_has_a_curve_but_no_final_result(table: Path, tmp_path: Path) -> None:
    searchers = ["random_search", "local_search"]
    Experiment([f"{table}#one"], searchers, 3, {"seconds": 900.0}).run(tmp_path, inline=True)
    benchmark = summarise(tmp_path).benchmarks[0]
    assert benchmark.exact is not None and benchmark.exact.final is None
    assert "the budget limits time" in benchmark.exact_missing
    assert {c.reference for c in benchmark.comparisons} == {"sampled"}


def test_no_random_search_and_one_seed(table: Path, tmp_path: Path) -> None:
    Experiment([f"{table}#one"], ["local_search"], 1, {"evaluations": 5}).run(
        tmp_path, inline=True
    )
    found = summarise(tmp_path)
    assert found.random_search is None
    (comparison,) = found.benchmarks[0].comparisons
    assert (comparison.reference, comparison.verdict) == ("exact", UNDECIDED)
    assert "at least two seeds" in comparison.remark
    assert comparison.difference.low is None
    assert "at least two seeds" in render(Summary.from_json(found.to_json()))


def test_random_search_alone_and_several_workers(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Experiment([f"{table}#one"], ["random_search"], 4, {"evaluations": 8}, workers=3).run(
        out, inline=True
    )
    found = summarise(out)
    assert found.benchmarks[0].comparisons == ()
    assert found.benchmarks[0].exact is not None
    assert "There is nothing to compare" in render(Summary.from_json(found.to_json()))


def test_names_are_text_not_markup(results: Path, tmp_path: Path) -> None:
    label = "</script><b onclick=alert(1)>&amp;"

    def renamed(searchers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*searchers, {"searcher": label, "strategy": "x", "options": {}}]

    found = summarise(edited(results, tmp_path / "copy", searchers=renamed))
    text = render(Summary.from_json(found.to_json()))
    assert label not in text
    assert "onclick" not in {key for _, a in Elements(text).tags for key in a}
    assert json.loads(script_json({"a": label})) == {"a": label}
    assert "<" not in script_json({"a": label})


def test_a_summary_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        load_summary(tmp_path / "summary.json")
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UserError, match="no summary"):
        load_summary(tmp_path / "summary.json")
