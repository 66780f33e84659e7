"""Colours that can be told apart, on white and on black, by colour-blind readers too.

The eight colours of each theme were searched for: every two of them, and each with grey, differ by
at least 0.06 in Oklab (Ottosson 2020), as seen with normal vision and with full protanopia,
deuteranopia and tritanopia (Machado et al. 2009), and each has a contrast of at least 3 to the
page and to the panels (WCAG 2.2, 1.4.11). The tests compute both. With more than eight strategies
colours come again with dotted lines.
"""

from __future__ import annotations

PALETTE = (
    "#3470d3", "#b94c00", "#a28c16", "#99002c", "#2490ce", "#375152", "#6625c1", "#2e2a5a",
)  # fmt: skip
"""Colours of the strategies, on white."""

GREY = "#808080"
"""Of random search, in both themes."""

WARNING = "#b3261e"
"""Of the words that stamp a leak."""

NIGHT = {
    "#3470d3": "#2b96ff",
    "#b94c00": "#fc8e32",
    "#a28c16": "#e4e470",
    "#99002c": "#e2a2c8",
    "#2490ce": "#86ecf2",
    "#375152": "#06c273",
    "#6625c1": "#6b62dd",
    "#2e2a5a": "#888cc8",
    WARNING: "#ff8a80",
}
"""Colour on white -> its sister on black."""

SOLID, DASHED, DOTTED = [1, 0], [6, 4], [2, 2]


def colour(place: int) -> str:
    """The colour of the strategy at a place."""
    return PALETTE[place % len(PALETTE)]


def dash(place: int) -> list[int]:
    """The dashes of the strategy at a place: dotted where its colour comes again."""
    return SOLID if place // len(PALETTE) % 2 == 0 else DOTTED
