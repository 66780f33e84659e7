"""The networks of every built-in space pass the suite that third parties inherit."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.networks import Task  # noqa: E402
from harness.spaces import SearchSpace, get_space, registry  # noqa: E402
from harness.spaces.pyramid_tree import PyramidTreeSpace  # noqa: E402
from harness.testing import NetworkSuite  # noqa: E402


class TestTopologyNetworks(NetworkSuite):
    space = "tss"
    options = {"width": 4, "depth": 1}  # noqa: RUF012


class TestSizeNetworks(NetworkSuite):
    space = "sss"
    samples = 2


class TestNasBench101Networks(NetworkSuite):
    space = "nasbench101"
    task = Task((1, 8, 8), 7)
    options = {"width": 8, "cells": 1}  # noqa: RUF012


class TestResidualNetworks(NetworkSuite):
    space = "residual"
    samples = 1


class TestResidualTextNetworks(NetworkSuite):
    space = "residual-text"
    samples = 1


class TestResidualUnionNetworks(NetworkSuite):
    space = "residual-union"
    samples = 1


class TestResnetNetworks(NetworkSuite):
    space = "resnet"
    samples = 1


class TestPyramidTreeNetworks(NetworkSuite):
    space = "pyramid-tree"
    task = Task((1, 8, 8), 10)
    options = {"stages": 2, "width": 2, "alpha": 4}  # noqa: RUF012
    samples = 2

    def made(self) -> SearchSpace:
        """A small one; the registered space has 54 bottlenecks."""
        return PyramidTreeSpace(stages=2, bottlenecks=1)


class TestDartsNetworks(NetworkSuite):
    space = "darts"
    task = Task((1, 8, 8), 7)
    options = {"channels": 2, "cells": 3}  # noqa: RUF012
    samples = 1


class TestMacroNetworks(NetworkSuite):
    space = "macro"


class TestMacroBlockNetworks(NetworkSuite):
    space = "macro-blocks"
    samples = 2


def test_every_built_in_space_with_networks_has_a_suite() -> None:
    names = {vars(suite).get("space") for suite in NetworkSuite.__subclasses__()}
    assert names >= {name for name in registry.builtin if get_space(name).network}
