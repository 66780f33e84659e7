"""Language: which language four words are of, from their letters alone."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from harness.datasets.base import Source
from harness.datasets.nascomp.parts import NAMES, Progress, Sizes, assemble, reported
from harness.errors import UserError
from harness.streams import choice, shuffled, stream

LETTERS = "abcdefghijklmnopqrstuvwx"
LENGTH = 6
WORDS = 4
SHARES = (1500, 700, 700)
"""In which proportion words are dealt to the three parts. The competition's generator took 1,500
words of each language for training and 700 for tests."""

Group = tuple[str, ...]


def language(source: str, sizes: Sizes, seed: int, progress: Progress) -> Source:
    """Label: the language of four words of six letters; one class a word list, equally frequent.

    The four words of an image are drawn from those of its language and part, and no two images of
    a part have the same four in the same order.

    Args:
        source: A folder with one text file a language, in UTF-8, of words apart by white space.
            Those of six letters in a .. x, all of them small and without marks, are used. The
            classes are numbered in the order of the files' names.
        sizes: Numbers of images.
        seed: Of the deal of the words and of the draws.
        progress: Called with numbers of further images.

    Returns:
        Images of shape [1, 24, 24]: pixel (i, j) is 1 if letter i of the four words, one after
        the other, is letter j of the alphabet, else 0.
    """
    lists = read_words(Path(source))
    dealt = deal_words(lists, seed)

    def compose(which: str, rng: random.Random, labels: list[int]) -> np.ndarray:
        words = dealt[which]
        letters = np.empty((len(labels), WORDS * LENGTH), dtype=np.int64)
        waiting = [
            _groups(rng, words[name], labels.count(i), f"{name}, {which}")
            for i, name in enumerate(lists)
        ]
        for i, label in reported(labels, progress):
            letters[i] = [LETTERS.index(letter) for letter in "".join(waiting[label].pop())]
        images = np.zeros((len(labels), 1, WORDS * LENGTH, len(LETTERS)), dtype=np.uint8)
        np.put_along_axis(images[:, 0], letters[:, :, None], 1, axis=2)
        return images

    return assemble("language", len(lists), sizes, seed, compose)


def read_words(folder: Path) -> dict[str, list[str]]:
    """The usable words of each language, sorted, by the name of its file without the ending.

    Raises:
        UserError: If there is no such folder, fewer than two files, or one is not text.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: give one with a text file a language")
    files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    if len(files) < 2:
        raise UserError(f"{folder} has {len(files)} word lists: at least two are needed")
    found = {}
    for file in files:
        try:
            words = set(file.read_text(encoding="utf-8").split())
        except UnicodeDecodeError:
            raise UserError(f"{file} is no text in UTF-8: convert it") from None
        usable = {word for word in words if len(word) == LENGTH and set(word) <= set(LETTERS)}
        found[file.stem] = sorted(usable)
    if len(found) < len(files):
        raise UserError(f"{folder}: two word lists differ in their endings alone: rename one")
    return found


def deal_words(lists: dict[str, list[str]], seed: int) -> dict[str, dict[str, list[str]]]:
    """Part -> language -> its words there. A word of several languages is in the same part in all.

    Args:
        lists: Language -> its words.
        seed: Of the shuffle.
    """
    every = sorted({word for words in lists.values() for word in words})
    order = shuffled(stream(seed, "language", "words"), every)
    ends = [len(order) * sum(SHARES[: i + 1]) // sum(SHARES) for i in range(len(SHARES))]
    dealt = {}
    for name, start, end in zip(NAMES, [0, *ends], ends, strict=False):
        here = set(order[start:end])
        dealt[name] = {k: [w for w in words if w in here] for k, words in lists.items()}
    return dealt


def _groups(rng: random.Random, words: list[str], count: int, what: str) -> list[Group]:
    """So many different groups of words.

    Raises:
        UserError: If there are so few words that they would hardly be found.
    """
    if len(words) ** WORDS < 2 * count:
        raise UserError(
            f"data set 'language' ({what}): {len(words)} of the words are of {LENGTH} letters in"
            f" {LETTERS[0]} .. {LETTERS[-1]}, too few for {count} images: give a longer list"
        )
    found: dict[Group, None] = {}
    while len(found) < count:
        found[tuple(choice(rng, words) for _ in range(WORDS))] = None
    return list(found)
