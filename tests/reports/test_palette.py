"""Colours that colour-blind readers tell apart, with contrast in both themes."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import reports
from reports.charts import EXACT, Colours
from reports.palette import DASHED, DOTTED, GREY, NIGHT, PALETTE, SOLID, WARNING
from tests.reports.contrast import contrast, linear

# Full dichromacy, in linear RGB: Machado, Oliveira and Fernandes (2009), table 1.
SEEN = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
THEMES = {
    "light": (*PALETTE, GREY),
    "dark": (*(NIGHT[colour] for colour in PALETTE), GREY),
}


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB in Oklab (Ottosson 2020)."""
    cones = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ rgb
    )
    found: np.ndarray = (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ cones
    )
    return found


def backgrounds(theme: str) -> list[str]:
    """The page's and the panels' colours, from the style sheet."""
    style = (Path(reports.__file__).parent / "templates" / "page.css").read_text()
    found = [re.findall(rf"--{name}: (#\w{{6}})", style) for name in ("paper", "panel")]
    return [colours[("light", "dark").index(theme)] for colours in found]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("seen", SEEN)
def test_any_two_colours_differ_for_everybody(theme: str, seen: str) -> None:
    places = {
        colour: oklab(np.clip(np.array(SEEN[seen]) @ linear(colour), 0, 1))
        for colour in THEMES[theme]
    }
    for one, other in combinations(places, 2):
        assert np.linalg.norm(places[one] - places[other]) >= 0.06, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out_from_the_page(theme: str) -> None:
    for background in backgrounds(theme):
        for colour in THEMES[theme]:
            assert contrast(colour, background) >= 3.0, colour
        stamp = WARNING if theme == "light" else NIGHT[WARNING]
        assert contrast(stamp, background) >= 4.5


def test_known_contrasts() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert oklab(linear("#ffffff")) == pytest.approx([1.0, 0.0, 0.0], abs=1e-4)
    assert oklab(linear("#ff0000")) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)


def test_a_colour_that_comes_again_has_other_dashes() -> None:
    labels = [f"s{i}" for i in range(12)]
    colours = Colours([*labels, "random"], "random")
    rows = [{"searcher": label} for label in (*labels, "random", EXACT)]
    scales = [
        channel.to_dict()["scale"] for channel in (colours.encoding(rows), colours.dashes(rows))
    ]
    assert scales[0]["domain"] == scales[1]["domain"] == [*labels, "random", EXACT]
    looks = [(c, tuple(d)) for c, d in zip(scales[0]["range"], scales[1]["range"], strict=True)]
    assert len(set(looks)) == len(looks)
    assert looks[-2:] == [(GREY, tuple(SOLID)), (GREY, tuple(DASHED))]
    assert looks[8] == (PALETTE[0], tuple(DOTTED))
