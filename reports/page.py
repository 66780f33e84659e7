"""The page: one self-contained HTML file that needs no network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.benchmarks import Benchmark
from harness.benchmarks.packed import atomic_write
from reports.build import summarise
from reports.comparison import BETTER, WORSE
from reports.figures import Figure, figures_of
from reports.intervals import Estimate
from reports.summary import Summary

_STATIC_WIDTH = 720
_LIGHT = {
    "background": "#ffffff",
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {"gridColor": "#e4e4e4"},
    "legend": {"columns": 3},
}


def write_report(directory: str | Path, *, tables: Mapping[str, Benchmark] | None = None) -> Path:
    """Write an experiment's report.

    The same traces give the same bytes.

    Args:
        directory: The experiment's ``--out`` directory. ``report/index.html`` is written into
            it, and ``report/summary.json`` with every number of the page.
        tables: Benchmark name -> opened benchmark, for tables that are not where the experiment
            found them.

    Returns:
        The path of the page.

    Raises:
        UserError: If the directory holds no experiment or no finished search.
        HarnessError: If a trace file is damaged.
    """
    text = summarise(directory, tables).to_json()
    # What is drawn is what the file holds: numbers rounded as written.
    page = render(Summary.from_json(text))
    folder = Path(directory) / "report"
    for name, content in (("summary.json", text), ("index.html", page)):
        with atomic_write(folder / name) as stream:
            stream.write(content.encode())
    return folder / "index.html"


def render(summary: Summary) -> str:
    """The page of a summary, as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "interval": interval,
        "p_value": p_value,
        "correlation": lambda r: "–" if r is None else f"{r:.2f}".replace("-", "−"),
        "mark": mark,
        "unit_points": lambda unit: "pp" if unit == "%" else unit,
    }
    figures = [figures_of(summary, place) for place in range(len(summary.benchmarks))]
    specs = {figure.name: figure.spec for group in figures for figure in group}
    return environment.get_template("report.html").render(
        summary=summary,
        figures=figures,
        static={figure.name: static_svg(figure) for group in figures for figure in group},
        specs=script_json(specs),
        library=vega(),
    )


def static_svg(figure: Figure) -> str:
    """A figure as SVG, for readers without scripts and for print."""
    import vl_convert

    spec = {**figure.spec, "width": _STATIC_WIDTH}
    svg = vl_convert.vegalite_to_svg(spec, config=_LIGHT)
    # Vega numbers clipping paths through its whole life; a page needs distinct names.
    names = dict.fromkeys(re.findall(r'id="(clip\d+)"', svg))
    new = {name: f"{figure.name}-clip{i}" for i, name in enumerate(names)}
    return re.sub(r"\bclip\d+\b", lambda found: new.get(found[0], found[0]), svg)


@cache
def vega() -> str:
    """The library that draws the figures, as a script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub errs
    return bundle.replace("</script", "<\\/script")


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def number(value: float | None, unit: str = "") -> str:
    """A result with as many digits as its unit is read with; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.3f}" if unit == "%" else f"{value:.4g}"


def signed(value: float | None, unit: str = "") -> str:
    """A difference with its sign."""
    if value is None:
        return "–"
    text = f"{value:+.3f}" if unit == "%" else f"{value:+.3g}"
    return text.replace("-", "−")


def interval(estimate: Estimate, unit: str = "", style: str = "number") -> str:
    """The interval of an estimate in brackets."""
    if estimate.low is None or estimate.high is None:
        return "[–]"
    show = signed if style == "signed" else number
    return f"[{show(estimate.low, unit)}, {show(estimate.high, unit)}]"


def p_value(value: float | None) -> str:
    """A p value with three decimals."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def mark(verdict: str) -> str:
    """A sign beside a verdict, which does not need colour."""
    return {BETTER: "▲", WORSE: "▼"}.get(verdict, "○")
