"""Documents and bytes with a few things wrong, for the fuzz tests.

A YAML document is a tree of `Mapping`s, lists and scalars that is mutated as a tree and written
in flow style, so that a mutation may do what no YAML library would write: give a key twice, put
an alias before its anchor, or leave a bracket open.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import HarnessError
from tests.command_line import Outcome

Check = Callable[..., None]


def fuzzed(few: int, many: int) -> pytest.MarkDecorator:
    """Runs a test with `examples` set to a few, and in the slow tests to many."""
    slow = pytest.param(many, marks=pytest.mark.slow, id="long")
    return pytest.mark.parametrize("examples", [pytest.param(few, id="short"), slow])


def fuzz(examples: int) -> Callable[[Check], Check]:
    """Hypothesis' settings: a failing example comes with the line that repeats it."""
    return settings(
        max_examples=examples,
        deadline=timedelta(seconds=60),  # what takes longer hangs
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


# --- answers --------------------------------------------------------------------------------


def one_line(error: HarnessError) -> str:
    """The message of an error, which is one readable line."""
    line = str(error)
    assert line.strip() and len(line.splitlines()) == 1 and len(line) < 5_000, repr(error)
    assert not any(ord(c) < 32 for c in line), repr(line)
    return line


@contextlib.contextmanager
def strict_warnings() -> Iterator[None]:
    """A warning is a computation that went wrong and was not told."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def command(*words: object) -> Outcome:
    """What ``nas-harness`` does with some words, in this process, as its script does."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before, sys.argv = sys.argv, ["nas-harness", *map(str, words)]
    status: Any = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as leaving:
        status = leaving.code or 0
    finally:
        sys.argv = before
    said = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        said.append(stream.read())
    return Outcome(status, *said)


def refused(outcome: Outcome) -> None:
    """A command that cannot be carried out says so in one line and a status."""
    assert outcome.status in (1, 2), outcome
    assert outcome.err.startswith("nas-harness: ") and outcome.err.count("\n") == 1, outcome


# --- YAML -----------------------------------------------------------------------------------


class Mapping(list[tuple[Any, Any]]):
    """A mapping as its pairs: keys may repeat."""


class Raw(NamedTuple):
    """YAML as it is written."""

    text: str


class Anchor(NamedTuple):
    """A value with a name that aliases refer to."""

    name: str
    value: Any


def tree(value: Any) -> Any:
    """Plain data as a tree."""
    if isinstance(value, dict):
        return Mapping((tree(k), tree(v)) for k, v in value.items())
    return list(map(tree, value)) if isinstance(value, list | tuple) else value


def written(node: Any) -> str:
    """A tree as YAML."""
    if isinstance(node, Raw):
        return node.text
    if isinstance(node, Anchor):
        return f"&{node.name} {written(node.value)}"
    if isinstance(node, Mapping):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(written, node)) + "]"
    if isinstance(node, float):
        return f"!!float '{node!r}'" if math.isfinite(node) else f".{node}".replace(".-", "-.")
    return json.dumps(node, ensure_ascii=False)


def slots(node: Any, found: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """All places in a tree, as (container, index)."""
    if isinstance(node, Anchor):
        return slots(node.value, found)
    if isinstance(node, list):
        for i, item in enumerate(node):
            found.append((node, i))
            slots(item[1] if isinstance(node, Mapping) else item, found)
    return found


WORDS = [
    "~", "no", "Yes", ".nan", "-.inf", "1e5", "1e999999999", "1_000", "017", "1:30", "=", "<<",
    "2001-01-01", "2001-99-99", "2001-01-01T00:00:00Z", "0x" + "f" * 5_000, "1" * 5_000,
    "1.0e-320",
    "!!python/object/apply:os.system [ls]", "!!binary aGk=", "!!set {a, b}", "!!omap [a: 1]",
    "!!bool x", "!!float x", "!!str 5", "!!int 5", "!unknown x", "&a [*a]", "*nothing",
    "{<<: {a: 1}}", "{<<: [1]}", "[[[[[[[[]]]]]]]]", '"\\uD800"', '"\\0"', '"\\e[2J"', "'it''s'",
    '"\\r\\n"', "[", "}", "{[1]: 2}", "? x", "# no", '"', "|\n x\n", "- x", "%", "@", "\t",
    "é 字 🙂",
]  # fmt: skip

SCALARS: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, 7, 255, 2**31, 2**63 - 1, 2**63, 10**19, -(10**400), 0.5,
    1.0, -2.5, 1e-9, 1e308, "", "x", " ", "a" * 300, "0", "5", "1/3", "a\nb", "a,b", "#", "*",
    [], [0], ["x"], [[]], [1, 2, 3], [0, 0], {}, {"x": 1}, {"": None}, {"x": {"x": {}}}, {5: 5},
]  # fmt: skip

NUMBERS = [x for x in SCALARS if isinstance(x, int | float) and not isinstance(x, bool)]

JUNK: st.SearchStrategy[Any] = (
    st.sampled_from(SCALARS).map(tree)
    | st.sampled_from(WORDS).map(Raw)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
)


@st.composite
def documents(draw: st.DrawFn, sound: Sequence[Any], domain: Sequence[Any] = ()) -> bytes:
    """A sound document as YAML with some mutations, most often one or two.

    Args:
        sound: Documents as plain data.
        domain: Values that mean something in such documents, in another place than theirs.
    """
    root = tree(draw(st.sampled_from(sound)))
    for number in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2, 2, 3]))):
        places = slots(root, [])
        if places:
            mutate(draw, places, domain, f"x{number}")
    text = draw(JUNK.map(written)) if draw(st.integers(0, 49)) == 0 else written(root)
    data = text.encode(errors="surrogatepass")
    return draw(damaged(data)) if draw(st.integers(0, 9)) == 0 else data


def value_at(container: list[Any], i: int) -> Any:
    return container[i][1] if isinstance(container, Mapping) else container[i]


def mutate(
    draw: st.DrawFn, places: list[tuple[Any, int]], domain: Sequence[Any], name: str
) -> None:
    """One change in a tree, most often at a leaf."""
    leaves = [(c, i) for c, i in places if not isinstance(value_at(c, i), list)]
    if not leaves or draw(st.booleans()):
        leaves = places
    container, i = draw(st.sampled_from(leaves))
    pair = isinstance(container, Mapping)
    junk = st.sampled_from(domain).map(tree) | JUNK if domain else JUNK

    def put(value: Any) -> None:
        container[i] = (container[i][0], value) if pair else value

    here = value_at(container, i)
    other, j = draw(st.sampled_from(places))
    there = value_at(other, j)
    kinds = (
        ["alike"] * 12
        + ["junk"] * 4
        + ["drop", "again", "key", "copy", "alias", "wrap", "merge", "swap"]
    )
    kind = draw(st.sampled_from(kinds))
    if kind == "alike":
        put(draw(alike(here, domain)))
    elif kind == "drop":
        del container[i]
    elif kind == "again":
        container.insert(i, (container[i][0], draw(junk)) if pair else here)
    elif kind == "key" and pair:
        old = container[i][0]
        near = st.just(old + "s") | st.just(old[1:]) if isinstance(old, str) else junk
        container[i] = (draw(near | junk), here)
    elif kind == "copy":
        # As text: a value must not stand inside itself.
        put(Raw(written(there)))
    elif kind == "swap":
        mine, theirs = Raw(written(here)), Raw(written(there))
        put(theirs)
        other[j] = (other[j][0], mine) if isinstance(other, Mapping) else mine
    elif kind == "alias":
        anchored = Anchor(name, there)
        other[j] = (other[j][0], anchored) if isinstance(other, Mapping) else anchored
        if (other, j) != (container, i):
            put(Raw(f"*{name}"))
    elif kind == "wrap":
        put(draw(st.sampled_from([[here], Mapping([("x", here)]), [here, here]])))
    elif kind == "merge" and pair:
        container.append((Raw("<<"), Raw(written(there))))
    else:
        put(draw(junk))


def alike(value: Any, domain: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Values of the kind of another one, which are more often understood."""
    if isinstance(value, bool):
        return st.just(not value)
    if isinstance(value, int | float):
        return st.sampled_from(NUMBERS) | st.integers(-2, 5) | st.floats()
    same = [tree(x) for x in domain if type(tree(x)) is type(value)]
    if isinstance(value, Mapping):
        pairs = [pair for other in same for pair in other]
        if not pairs:
            return JUNK
        return st.sampled_from(pairs).map(lambda pair: Mapping([*value, pair]))
    if isinstance(value, list):
        return st.permutations(value) | st.lists(st.sampled_from(value or [0]), max_size=4)
    return st.sampled_from(same) if same else JUNK


# --- bytes ----------------------------------------------------------------------------------

SPLINTERS = [
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r", b"\t", b" ", b'"', b"'", b",", b":", b": ",
    b"#", b"&", b"*", b"[", b"]", b"{", b"}", b"\\", b"0", b"9", b"-", b".", b"e", b"\xc3",
    b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x1b[2J",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, data: bytes, most: int = 3) -> bytes:
    """Bytes with up to `most` places flipped, cut out, doubled or replaced, and maybe cut."""
    content = bytearray(data)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 1, 1, 1, 2, 4, 8, 64]))
        kind = draw(st.sampled_from(["flip", "flip", "splinter", "double", "move", "cut"]))
        piece = bytes(content[at : at + length])
        if kind == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "splinter":
            content[at : at + length] = draw(st.sampled_from(SPLINTERS))
        elif kind == "double":
            content[at:at] = piece
        elif kind == "move":
            del content[at : at + length]
            to = draw(st.integers(0, len(content)))
            content[to:to] = piece
        elif kind == "cut" and draw(st.booleans()):
            del content[at:]
    return bytes(content)
