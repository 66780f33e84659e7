"""Documents as files: numbers as text, CSV, LaTeX, Markdown, and what is written where."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from reports.document import Cell, Column, Document, Figure, Section, Table
from reports.intervals import TIED, Estimate
from reports.rendering import FORMATS, write_document
from reports.rendering.cells import interval, note, number, text
from reports.rendering.drawing import draw, renamed
from reports.rendering.markdown import to_markdown
from reports.rendering.tables import to_csv, to_latex
from reports.rendering.write import contents

PERCENT = Column("x", "%")
SIGNED = Column("x", "%", signed=True)
P = Column("p", digits=3)

DATA = Table("line", "A line", (Column("strategy"), Column("x")), (("a", 1), ("b", 2)))
SPEC: dict[str, Any] = {
    "width": "container",
    "height": 100,
    "title": "A line",
    "data": {"values": [{"searcher": "a", "x": 1}, {"searcher": "b", "x": 2}]},
    "layer": [
        {"mark": "point", "encoding": {"x": {"field": "x", "type": "quantitative"}}},
        {
            "mark": {"type": "circle", "opacity": 0},
            "encoding": {"x": {"field": "x", "type": "quantitative"}},
        },
    ],
}
TABLE = Table(
    "results",
    "Results & more",
    (Column("strategy"), Column("n"), Column("gain", "pp", signed=True), P, Column("verdict")),
    (
        ("a_b|c", 1_200, Estimate(0.5, 0.1, 0.9), 1e-9, "▲ better"),
        ("b", 3, Estimate(-0.1234567890123, None, None), 0.25, "▼ worse than `a_b`"),
        ("c", None, Estimate(None, None, None), None, None),
    ),
    note="Read `x_y` * this.",
)
DOCUMENT = Document(
    "Is a_b better?",
    ("It is, by `0.5`.",),
    (
        Section(
            "first",
            "First",
            text=("Words.",),
            figures=(Figure("line", "A line", "From left to right.", SPEC, DATA),),
            parts=(Section("inner", "Inner", tables=(TABLE,), warnings=("Beware of | this",)),),
        ),
    ),
    {"commands": "one\ntwo"},
)


def test_numbers_as_text() -> None:
    assert number(93.87988, PERCENT) == "93.880" and number(0.012346, Column("x")) == "0.01235"
    assert number(-0.5, SIGNED) == "−0.500"
    assert number(0.0012345, Column("x", signed=True)) == "+0.001234"
    assert number(None, PERCENT) == text(None, PERCENT) == "–"
    assert number(0.0001, P) == "< 0.001" and number(0.0512, P) == "0.051"
    assert number(0.0, P) == "0.000" and number(1_234_567, Column("n")) == "1,234,567"
    assert number(0.00001, SIGNED) == "+0.000"
    assert number(1_234_567.8, Column("s")) == "1,234,568" and number(1e20, Column("s")) == "1e+20"
    assert interval(Estimate(1.0, None, None), PERCENT) == "[–]"
    assert text(Estimate(1.0, -0.5, 2.0), SIGNED) == "+1.000 [−0.500, +2.000]"
    assert text(Estimate(None, None, None), SIGNED) == "–"


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\0")),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
    )
)
def test_csv_holds_every_digit_and_every_character(rows: list[tuple[str, float]]) -> None:
    estimates: list[tuple[Cell, ...]] = [(name, Estimate(v, None, v)) for name, v in rows]
    table = Table("t", "t", (Column("name"), Column("v")), tuple(estimates))
    head, *body = csv.reader(io.StringIO(to_csv(table), newline=""))
    assert head == ["name", "v", "v low", "v high"]
    for (name, value), (label, mean, low, high) in zip(rows, body, strict=True):
        assert float(mean) == float(high) == value and low == ""
        assert label == (name[2:] if name[:2] in ("▲ ", "▼ ", "○ ") else name)


def test_the_csv_of_a_table() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert rows[0] == {
        "strategy": "a_b|c", "n": "1200", "gain": "0.5", "gain low": "0.1", "gain high": "0.9",
        "p": "1e-09", "verdict": "better",
    }  # fmt: skip
    assert rows[1]["gain"] == "-0.1234567890123" and rows[1]["gain low"] == ""
    assert set(rows[2].values()) == {"c", ""}


def test_the_latex_of_a_table() -> None:
    lines = to_latex(TABLE).splitlines()
    assert lines[0] == "% Results & more" and lines[1] == r"\begin{tabular}{lrrrl}"
    assert lines[3] == r"strategy & n & gain (pp) & p & verdict \\"
    assert lines[5] == r"a\_b|c & 1,200 & +0.500 [+0.100, +0.900] & $<$ 0.001 & better \\"
    assert lines[6].startswith(r"b & 3 & $-$0.123 [--] & 0.250 & worse than ")
    assert lines[-1] == r"\end{tabular}"
    # Nothing but the columns' own separators: a stray & would shift a row.
    assert all(len(re.findall(r"(?<!\\)&", line)) == 4 for line in lines[5:8])


def test_markdown_says_what_the_document_does() -> None:
    text = to_markdown(DOCUMENT)
    assert text.startswith("# Is a\\_b better?\n\nIt is, by `0.5`.\n")
    assert "\n## First\n" in text and "\n### Inner\n" in text
    assert "![A line](figures/line.svg)\n\nFrom left to right." in text
    assert "\n> **Beware of \\| this**\n" in text
    assert "| a\\_b\\|c | 1,200 | +0.500 \\[+0.100, +0.900\\] | \\< 0.001 | ▲ better |" in text
    assert "▼ worse than `a_b` |" in text and "Read `x_y` \\* this." in text


def test_markdown_tables_are_tables() -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(DOCUMENT))
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 1 and kinds.count("tr_open") == 1 + len(TABLE.rows)
    assert kinds.count("td_open") == len(TABLE.rows) * len(TABLE.columns)


def test_files_of_a_document(tmp_path: Path) -> None:
    page = write_document(DOCUMENT, tmp_path, summary='{"a": 1}\n')
    files = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert files == [
        "figures/line.pdf", "figures/line.svg", "index.html", "report.md", "summary.json",
        "tables/line.csv", "tables/results.csv", "tables/results.tex",
    ]  # fmt: skip
    assert page == tmp_path / "index.html"
    assert json.loads((tmp_path / "summary.json").read_text()) == {"a": 1}
    assert (tmp_path / "figures/line.svg").read_text().startswith("<svg")
    assert (tmp_path / "figures/line.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("chosen", [(), ("csv",), ("md", "tex"), ("svg",), ("html",)])
def test_only_the_formats_that_are_asked_for(tmp_path: Path, chosen: tuple[str, ...]) -> None:
    found = write_document(DOCUMENT, tmp_path, summary="{}", formats=chosen)
    assert found.is_file()
    kinds = {p.suffix[1:] for p in tmp_path.rglob("*") if p.is_file()}
    assert kinds == {*chosen, "json"}


def test_an_unknown_format() -> None:
    with pytest.raises(UserError, match="unknown format 'hmtl': did you mean html"):
        write_document(DOCUMENT, Path("nowhere"), summary="", formats=["hmtl"])


def test_names_are_distinct() -> None:
    (section,) = DOCUMENT.sections
    twice = replace(DOCUMENT, sections=(section, replace(section, name="second", parts=())))
    with pytest.raises(ValueError, match="more than one figure is named line"):
        contents(twice)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert contents(DOCUMENT, FORMATS) == contents(DOCUMENT, FORMATS)


def test_static_figures_have_no_marks_to_point_at() -> None:
    (drawing,) = draw([SPEC], pdf=False)
    (whole,) = draw([{**SPEC, "layer": SPEC["layer"][:1]}], pdf=False)
    assert drawing.svg == whole.svg
    assert drawing.pdf == b"" and 'width="7' in drawing.svg


def test_a_second_process_draws_the_same() -> None:
    specs = [{**SPEC, "title": {"text": f"Figure {i}", "subtitle": "bold"}} for i in range(8)]
    assert draw(specs, pdf=True) == [draw([spec], pdf=True)[0] for spec in specs]


def test_drawings_without_a_second_process(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [{**SPEC, "height": 100 + i} for i in range(8)]
    expected = draw(specs, pdf=False)
    monkeypatch.setattr("sys.executable", "/bin/false")
    assert draw(specs, pdf=False) == expected


def test_a_page_holds_as_many_drawings_as_it_has_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = contents(DOCUMENT, ("html", "svg"))
    assert '<div class="static"' in str(whole["index.html"])
    monkeypatch.setattr("reports.rendering.page._ROOM", len(whole["figures/line.svg"]) - 1)
    page = str(contents(DOCUMENT, ("html",))["index.html"])
    assert '<div class="static"' not in page
    assert '<noscript><a href="figures/line.svg">A line</a></noscript>' in page


def test_identifiers_of_drawings_do_not_clash() -> None:
    svg = '<svg><clipPath id="clip7"/><g clip-path="url(#clip7)"/><a href="#top"/></svg>'
    expected = '<svg><clipPath id="a-0"/><g clip-path="url(#a-0)"/><a href="#top"/></svg>'
    assert renamed(svg, "a-") == expected


def test_intervals_that_promise_nothing_are_marked_and_explained() -> None:
    tied = replace(TABLE, rows=(("a", 30, Estimate(0.5, 0.1, 0.9, TIED), 0.1, ""),))
    assert text(tied.rows[0][2], SIGNED) == "+0.500 [+0.100, +0.900]†"
    assert note(TABLE) == "Read `x_y` * this."
    assert note(tied).startswith("Read `x_y` * this. † More than a fifth")
    assert r"\dag{}" in to_latex(tied)
    document = replace(DOCUMENT, sections=(Section("s", "S", tables=(tied,)),))
    for name in ("index.html", "report.md"):
        assert "† More than a fifth" in str(contents(document)[name])
