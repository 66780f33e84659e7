"""The page in a real browser: what it loads, its controls, themes, widths, and without scripts."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports import load_summary
from reports.document import Column, Document, Section, Table
from reports.palette import NIGHT
from reports.rendering import write_document
from tests.reports.contrast import contrast

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open pages in")

STRATEGY = "regularized_evolution:population_size=5,tournament_size=2"
SEARCHERS = (STRATEGY, "random_search", "random search, exact")
FIGURE = "synthetic-one-anytime"
TABLE = "synthetic-one-finals"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, page: Path) -> Iterator[Opened]:
    """Opens the page; fails if it complained or asked for anything but itself."""
    complaints: list[str] = []
    contexts = []
    address = page.as_uri()

    def listen(page: Any) -> None:
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.split("#")[0] == address or request.url[:5] == "blob:"
                else complaints.append(request.url)
            ),
        )

    def open_page(width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        listen(page)
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.locator("html.scripts").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def drawn(page: Any, name: str = FIGURE) -> Any:
    """A figure's drawing, once it is there; what is folded is opened."""
    page.locator(f"details:has(#{name})").evaluate_all("all => all.forEach((d) => d.open = true)")
    page.locator(f"#{name}").scroll_into_view_if_needed()
    found = page.locator(f"#{name} .plot svg.marks")
    found.wait_for()
    return found


def legend(page: Any, name: str = FIGURE) -> list[str]:
    """The searchers in a figure's legend, where long labels end in dots."""
    texts = drawn(page, name).locator(".role-legend-label text").all_text_contents()
    return [next(s for s in SEARCHERS if s.startswith(text.rstrip("…"))) for text in texts]


def ticks(page: Any, name: str = FIGURE) -> list[str]:
    """The labels of a figure's axes."""
    texts = drawn(page, name).locator(".role-axis-label text").all_text_contents()
    return [str(text) for text in texts]


def strokes(page: Any) -> list[str]:
    """The colours of a figure's lines."""
    lines = drawn(page).locator(".mark-line path").all()
    return [line.get_attribute("stroke") for line in lines]


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Waits for a change that a figure makes after it is drawn again."""
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing changed within five seconds")


def test_every_figure_is_drawn_without_network_or_complaints(opened: Opened) -> None:
    page = opened()
    names = page.locator("figure").evaluate_all("found => found.map((f) => f.id)")
    assert len(names) >= 10
    # Those far below the screen wait.
    drawn(page, names[0])
    assert page.locator(f"#{names[-1]} .plot svg").count() == 0
    for name in names:
        assert drawn(page, name).locator(".role-mark path, .role-mark line").count() > 0
    assert page.locator(".static").first.is_hidden()


def test_toggles_hide_a_strategy_in_every_figure(opened: Opened) -> None:
    page = opened()
    for name in (FIGURE, "synthetic-two-anytime"):
        assert tuple(legend(page, name)) == SEARCHERS
    before = drawn(page).locator(".mark-line path").count()
    page.get_by_role("checkbox", name=STRATEGY).click()
    for name in (FIGURE, "synthetic-two-anytime"):
        until(page, lambda n=name: legend(page, n) == ["random_search", "random search, exact"])
    assert drawn(page).locator(".mark-line path").count() == before - 1
    labels = ticks(page, "synthetic-one-spread")
    assert STRATEGY not in labels and "random_search" in labels
    page.get_by_role("checkbox", name=STRATEGY).click()
    until(page, lambda: STRATEGY in legend(page))


def test_toggles_work_with_the_keyboard_and_show_the_focus(opened: Opened) -> None:
    page = opened()
    drawn(page)
    page.get_by_role("checkbox", name=STRATEGY).focus()
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.value")
    assert focused == "random_search"
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"
    page.keyboard.press("Space")
    until(page, lambda: legend(page) == [STRATEGY, "random search, exact"])


def test_all_strategies_may_be_hidden(opened: Opened) -> None:
    page = opened()
    drawn(page)
    for box in page.locator(".toggles input").all():
        box.uncheck()
    page.locator(f"#{FIGURE}").get_by_text("No strategy of this figure is shown.").wait_for()
    page.get_by_role("checkbox", name="random_search").check()
    until(page, lambda: legend(page) == ["random_search"])


def test_axes_switch_between_logarithmic_and_linear(opened: Opened) -> None:
    page = opened()
    assert "1" in ticks(page)
    box = page.locator(f"#{FIGURE}").get_by_label("log x")
    assert box.is_checked()
    box.press("Space")
    until(page, lambda: {"10", "20", "30"} < set(ticks(page)) and "1" not in ticks(page))
    box.check()
    until(page, lambda: "1" in ticks(page))


def test_points_tell_their_numbers(opened: Opened) -> None:
    page = opened()
    points = drawn(page).locator(".role-mark.mark-symbol path")
    points.nth(5).hover(force=True)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert "charged evaluations" in tip.inner_text() and "95% from" in tip.inner_text()
    assert "strategy" in tip.inner_text() and "null" not in tip.inner_text()
    # Exact random search, whose 30 points come last, has no interval.
    box = points.nth(points.count() - 15).bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=10)
    tip.get_by_text("random search, exact").wait_for()
    assert "null" not in tip.inner_text() and "95% from" not in tip.inner_text()


def column(page: Any, table: str, place: int) -> list[str]:
    """The cells of a table's column from top to bottom."""
    rows = page.locator(f".scroll[aria-labelledby=table-{table}] tbody tr")
    return [row.locator("th, td").nth(place).inner_text() for row in rows.all()]


def test_tables_sort_by_mouse_and_keyboard(opened: Opened) -> None:
    page = opened()
    table = page.locator(f".scroll[aria-labelledby=table-{TABLE}]")
    before = column(page, TABLE, 0)
    head = table.locator("thead th").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, TABLE, 0) == sorted(before)
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, TABLE, 0) == sorted(before, reverse=True)
    other = table.locator("thead th", has_text="regret")
    other.get_by_role("button").press("Space")
    assert head.get_attribute("aria-sort") is None
    place = table.locator("thead th").all_inner_texts().index(other.inner_text())
    values = [float(text) for text in column(page, TABLE, place)]
    assert values == sorted(values) and len(values) == len(before)


def test_numbers_sort_as_numbers_and_what_is_missing_comes_last(opened: Opened) -> None:
    page = opened()
    cells = ["10", "9", "–", "100"]
    keys = page.evaluate(
        """(cells) => {
          const table = document.querySelector("table");
          const rows = cells.map((text, i) => {
            const row = table.tBodies[0].rows[0].cloneNode(true);
            row.cells[1].textContent = text;
            if (text === "–") delete row.cells[1].dataset.key;
            else row.cells[1].dataset.key = text;
            return row;
          });
          table.tBodies[0].replaceChildren(...rows);
          const texts = () => [...table.tBodies[0].rows].map((r) => r.cells[1].textContent);
          const button = table.tHead.rows[0].cells[1].querySelector("button");
          button.click();
          const up = texts();
          button.click();
          return [up, texts()];
        }""",
        cells,
    )
    assert keys == [["9", "10", "100", "–"], ["100", "10", "9", "–"]]


def test_data_and_drawings_download(opened: Opened, page: Path) -> None:
    folder, page = page.parent, opened()
    drawn(page)
    figure = page.locator(f"#{FIGURE}")
    with page.expect_download() as started:
        figure.get_by_role("link", name="Data of the figure").click()
    text = Path(started.value.path()).read_text()
    assert started.value.suggested_filename == f"{FIGURE}.csv"
    assert text == (folder / "tables" / f"{FIGURE}.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    summary = load_summary(folder / "summary.json")
    assert len(rows) == sum(len(c.x) for c in summary.benchmarks[0].curves) + 30
    with page.expect_download() as started:
        figure.get_by_role("link", name="as SVG").press("Enter")
    assert Path(started.value.path()).read_text().startswith("<svg")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_widths_and_themes(opened: Opened, width: int, scheme: str) -> None:
    page = opened(width, color_scheme=scheme)
    for name in (FIGURE, "synthetic-two-spread"):
        assert drawn(page, name).bounding_box()["width"] <= width
    for details in page.locator("details").all():
        details.evaluate("found => { found.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink = drawn(page).locator(".role-axis-label text").first.get_attribute("fill")
    paper = page.evaluate("getComputedStyle(document.querySelector('figure')).backgroundColor")
    assert contrast(ink, paper) >= 4.5


def test_the_theme_follows_the_reader(opened: Opened) -> None:
    page = opened(color_scheme="light")
    before = strokes(page)
    page.emulate_media(color_scheme="dark")
    until(page, lambda: strokes(page) == [NIGHT.get(colour, colour) for colour in before])
    assert strokes(page) != before


def test_a_document_of_words_and_tables(browser: Any, tmp_path: Path) -> None:
    table = Table("t", "A table", (Column("name"), Column("n")), (("b", 2), ("a", 10)))
    document = Document("Title", ("Lead.",), (Section("s", "S", tables=(table,)),), {})
    path = write_document(document, tmp_path, summary="{}", formats=("html",))
    assert path.stat().st_size < 30_000
    complaints: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.locator("html.scripts").wait_for()
    page.get_by_role("button", name="n").last.click()
    assert column(page, "t", 0) == ["b", "a"]
    page.close()
    assert complaints == []


def test_without_scripts_figures_are_drawings(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    figures = page.locator("figure")
    assert figures.count() >= 10
    page.locator("summary").evaluate_all("found => found.forEach((s) => s.click())")
    for figure in figures.all():
        assert figure.locator(".static svg").is_visible()
    assert page.locator(".toggles").is_hidden()
    assert page.get_by_text("Leak, permitted by allow_leak").first.is_visible()


def test_on_paper_figures_are_drawings(opened: Opened) -> None:
    page = opened()
    drawn(page)
    page.emulate_media(media="print")
    assert page.locator(f"#{FIGURE} .static svg").is_visible()
    assert page.locator(f"#{FIGURE} .plot").is_hidden()
    assert page.locator(".toggles").is_hidden()


def test_headings_labels_and_names(opened: Opened) -> None:
    page = opened()
    levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
        "found => found.map((h) => +h.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, button, a, figure, nav, section, [role]")].filter(
          (e) => !(e.getAttribute("aria-label") || e.labels?.[0]?.textContent
            || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent
            || (e.matches("button, a") && e.textContent) || e.closest("svg")))
          .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    missing = page.evaluate(
        """[...document.querySelectorAll("[aria-labelledby]")].filter(
          (e) => !document.getElementById(e.getAttribute("aria-labelledby"))).length"""
    )
    assert missing == 0


PAIRS = (("--ink", "--paper"), ("--ink", "--panel"), ("--soft", "--paper"), ("--soft", "--panel"),
         ("--better", "--paper"), ("--worse", "--paper"), ("--warning", "--paper"),
         ("--link", "--paper"), ("--link", "--panel"))  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_have_contrast_in_both_themes(opened: Opened, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    for ink, paper in PAIRS:
        colours = [
            page.evaluate(
                "n => getComputedStyle(document.documentElement).getPropertyValue(n).trim()", name
            )
            for name in (ink, paper)
        ]
        assert contrast(*colours) >= 4.5, (ink, paper)
