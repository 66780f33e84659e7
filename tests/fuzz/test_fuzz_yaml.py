"""YAML that unfolds to more than any memory holds is refused at once; recipes are plain values."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

import harness.recipes
from harness.errors import UserError
from harness.recipes import from_values
from harness.yaml_file import parse_yaml
from tests.fuzz.strategies import Mapping, Raw, documents, fuzz, fuzzed, one_line, written

LAUGHS = "&a0 [x, x]" + "".join(f", &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20))
MERGES = "&m0 {x: 1, y: 2}" + "".join(
    f", &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}]}}" for i in range(1, 20)
)
BOMBS = {
    "laughs": f"[{LAUGHS}]",
    "merges": f"[{MERGES}]",
    "long": f'[&s "{"x" * 100_000}", {", ".join(["*s"] * 1_000)}]',
    "deep": "[" * 20_000,
    "deeper": "{a: " * 3_000,
    "hexadecimal": "0x" + "f" * 100_000,
    "decimal": "9" * 100_000,
    "sixties": "1" + ":59" * 100_000,
    "exponent": "1e999999999",
    "range": "1-99999999999999999999",
}

PROGRAM = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from harness.benchmarks.importers.description_file import load_description
from harness.errors import UserError
from harness.experiment import Experiment
from harness.recipes import load
readers = {"e": lambda p: Experiment.from_yaml(p).describe(), "d": load_description, "r": load}
for path in map(Path, sys.argv[1:]):
    try:
        readers[path.name[0]](str(path))
    except UserError as error:
        print("refused:", error)
    else:
        print("taken")
"""


def test_bombs_are_defused(tmp_path: Path) -> None:
    """In a process with little memory, and in little time."""
    holes = {
        "e": (
            "benchmarks: [{source: tss-digits, options: {missing: HOLE}}]\n"
            "searchers: [local_search]\nseeds: 1\nbudget: {evaluations: 5}",
            "benchmarks: [tss-digits]\nsearchers: [{local_search: {improvement: HOLE}}]\n"
            "seeds: 1\nbudget: {evaluations: 5}",
            "benchmarks: [tss-digits]\nsearchers: HOLE\nseeds: 1\nbudget: {evaluations: 5}",
        ),
        "d": ("name: HOLE", "columns: {x: {column: y, split: none, factor: HOLE}}",
              "columns: {x: {array: {sidecar: s, name: n, epochs: HOLE}, split: none}}"),
        "r": ("HOLE", "epochs: HOLE"),
    }  # fmt: skip
    paths = []
    for kind, texts in holes.items():
        for place, text in enumerate(texts):
            for name, bomb in BOMBS.items():
                if (place or kind != "e") and len(bomb) > 5_000:
                    continue  # of long texts the length alone counts
                paths.append(tmp_path / f"{kind}{place}-{name}.yaml")
                paths[-1].write_text(text.replace("HOLE", bomb))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, paths)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr[-2_000:]
    for path, line in zip(paths, lines, strict=True):
        assert line.startswith("refused: ") and len(line) < 5_000, (path.name, line)


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64) + 1, 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@fuzzed(60, 1_000)
def test_plain_data_is_read_as_pyyaml_reads_it(examples: int) -> None:
    @fuzz(examples)
    @given(value=PLAIN, flow=st.sampled_from([None, True, False]))
    def check(value: Any, flow: bool | None) -> None:
        text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
        wanted = yaml.safe_load(text)
        try:
            found = parse_yaml(text, "text")
        except UserError as error:
            # Written as an escape, as in "\0".
            assert "a value with the character" in one_line(error)
        else:
            assert repr(found) == repr(wanted)

    check()


@fuzzed(60, 1_000)
def test_recipes(examples: int, tmp_path: Path) -> None:
    network = {"network": {"width": 4, "filters": [1, 2.5], "head": None}}
    sound = harness.recipes.load("nasbench101").values() | network
    path = tmp_path / "recipe.yaml"

    @fuzz(examples)
    @given(text=documents([sound], list(sound)))
    def check(text: bytes) -> None:
        path.write_bytes(text)
        try:
            recipe = harness.recipes.load(str(path))
        except UserError as error:
            assert "recipe" in one_line(error)
        else:
            # What is left out has a default; a rate that is written as an integer is a float.
            written = yaml.safe_load(text)
            found = recipe.values()
            kinds = {field: type(value) for field, value in found.items()}
            for field, value in written.items():
                assert found[field] == (None if value is None else kinds[field](value)), field
            assert from_values(json.loads(json.dumps(found)), "record") == recipe

    check()


def test_what_the_mutations_write_is_yaml() -> None:
    """The tests of this directory would pass for documents that are never understood."""
    pairs = Mapping([("a", [1, 2.5, "x: y", None, float("inf")]), (Raw("b"), Mapping())])
    assert parse_yaml(written(pairs), "text") == {
        "a": [1, 2.5, "x: y", None, float("inf")],
        "b": {},
    }
