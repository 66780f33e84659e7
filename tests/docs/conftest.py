"""The plug-in of `examples/`, installed by pip where no other test sees it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import searchers
import surrogates
from harness import benchmarks, spaces

PLUGIN = Path(__file__).resolve().parents[2] / "examples" / "plugin"


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pip installs of the plug-in; put it on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("plugin")
    # pip builds in the source's folder.
    shutil.copytree(PLUGIN, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    flags += ["--no-build-isolation", "--target", str(folder / "site")]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *flags, str(folder / "source")], check=True
    )
    return folder / "site"


@pytest.fixture
def install_plugin(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """Makes the plug-in known to this process, until the test ends."""
    registries = (searchers.registry, surrogates.registry, spaces.registry, benchmarks.registry)

    def forget() -> None:
        for registry in registries:
            vars(registry).pop("_third_party", None)

    def install() -> None:
        monkeypatch.syspath_prepend(str(request.getfixturevalue("plugin_site")))
        forget()

    yield install
    forget()
