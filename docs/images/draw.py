"""Draw README.md's figure from a finished demo.

After ``make demo``::

    python docs/images/draw.py demo-out
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from reports import load_summary
from reports.figures import figures_of
from reports.page import static_svg


def main(directory: Path) -> None:
    """Write ``anytime.svg`` beside this file."""
    summary = load_summary(directory / "report" / "summary.json")
    figure = next(f for f in figures_of(summary, 0) if f.name.endswith("-anytime"))
    # The page has invisible points to hover over; a picture needs none.
    layers = [part for part in figure.spec["layer"] if part["mark"].get("opacity") != 0]
    figure = replace(figure, spec={**figure.spec, "layer": layers})
    out = Path(__file__).with_name("anytime.svg")
    out.write_text(static_svg(figure))
    print(f"{out}: {figure.title}. {figure.caption}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
