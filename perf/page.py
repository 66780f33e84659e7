"""The results as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence

from perf.figures import Row, Sample

QUICK = "**A quick run at tiny sizes: it shows that everything runs, its figures say nothing.**"


def render(rows: Sequence[Row], machine: Sequence[tuple[str, str]], *, judged: bool = True) -> str:
    """The page.

    Args:
        rows: The measurements.
        machine: Names and values.
        judged: Whether the run is of full size, to be held against the bars.
    """
    lines = [
        "# Speed, beside our peers",
        "",
        "Written by `python -m perf` (`make bench`), all in one run on one machine; not edited.",
        "Figures are medians with [smallest … largest] of n repetitions.",
        "",
        *([] if judged else [QUICK, ""]),
        *[f"- {name}: {value}" for name, value in machine],
        "",
        "| | what | unit | ours | peers | bar | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for place, row in enumerate(rows, start=1):
        cells = (
            str(place), row.what, row.unit, str(row.ours), _peers(row), _bar(row),
            verdict(row, judged=judged),
        )  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "How each was measured:", ""]
    # Rows of one measurement often share their note.
    for note in dict.fromkeys(row.note for row in rows if row.note):
        places = [str(place) for place, row in enumerate(rows, start=1) if row.note == note]
        lines.append(f"- **{', '.join(places)}:** {note}")
    return "\n".join(lines) + "\n"


def verdict(row: Row, *, judged: bool = True) -> str:
    """Whether a row keeps its bar, in a word."""
    if row.bar is None:
        return "–"
    if not isinstance(row.ours, Sample):
        return "not measured"
    if not judged:
        return "not judged"
    return "yes" if row.bar.met(row.ours) else "**NO**"


def _bar(row: Row) -> str:
    return "–" if row.bar is None else f"{row.bar} {row.unit}"


def _peers(row: Row) -> str:
    texts = []
    for name, result in row.peers:
        text = f"{name}: {result}"
        if isinstance(result, Sample) and isinstance(row.ours, Sample):
            text += f" (ours / theirs = {row.ours.median / result.median:,.1f})"
        texts.append(text)
    return "; ".join(texts) or "–"
