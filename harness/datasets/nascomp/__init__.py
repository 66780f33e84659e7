"""Data sets of the NAS Unseen-Data competition that are generated from other data.

Sources: Geada, "Neural Architecture Search Across Expanded and Infinite Spaces" (PhD thesis,
Newcastle University, 2022), appendix D; Geada, Towers, Forshaw, Atapour-Abarghouei and McGough,
"Insights from the Use of Previously Unseen Neural Architecture Search Datasets" (CVPR 2024). The
authors publish the competition's own files. Those made here follow the same rules and draw other
images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.datasets.base import Source
from harness.datasets.nascomp.language import language
from harness.datasets.nascomp.parts import Progress, Sizes
from harness.datasets.nascomp.tiles import cifartile
from harness.datasets.nascomp.triples import addnist, multnist
from harness.errors import UserError, unknown


@dataclass(frozen=True)
class Published:
    """A data set as the competition had it.

    Attributes:
        builder: Called with (source, sizes, seed, progress).
        sizes: Numbers of its images.
        source: The data set that its images are made of; "" if it is made of word lists.
    """

    builder: Callable[[str, Sizes, int, Progress], Source]
    sizes: Sizes
    source: str = ""


SETS = {
    "addnist": Published(addnist, Sizes(45_000, 15_000, 10_000), "mnist"),
    "multnist": Published(multnist, Sizes(50_000, 10_000, 10_000), "mnist"),
    "cifartile": Published(cifartile, Sizes(45_000, 15_000, 10_000), "cifar10"),
    "language": Published(language, Sizes(50_000, 10_000, 10_000)),
}


def published(name: str) -> Published:
    """What is known of a data set that can be generated.

    Raises:
        UserError: If the name is unknown.
    """
    if name not in SETS:
        raise unknown("generated data set", name, SETS)
    return SETS[name]


def build(
    name: str,
    source: str = "",
    sizes: Sizes | None = None,
    *,
    seed: int = 0,
    progress: Progress = lambda images: None,
) -> Source:
    """Generate a data set.

    No image (or word) that a training image is made of is in a validation or test image. Test
    images are made of the source's test images alone.

    Args:
        name: One of `SETS`.
        source: What it is made of: a data set with ten classes, by name or path; for "language"
            a folder with one word list a language. Default: as published.
        sizes: Numbers of images; default: as published.
        seed: The same seed, source and sizes give the same data set.
        progress: Called with numbers of further images.

    Raises:
        UserError: If the source is missing or does not do.
    """
    known = published(name)
    source = source or known.source
    if not source:
        raise UserError(
            f"data set '{name}' is made of word lists: give the folder with one text file a"
            " language by --source"
        )
    return known.builder(source, known.sizes if sizes is None else sizes, seed, progress)


__all__ = ["SETS", "Published", "Sizes", "build", "published"]
