"""Every built-in supernet passes the suite that third parties inherit."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.one_shot import Problem  # noqa: E402
from harness.spaces.pyramid_tree import PyramidTreeSpace  # noqa: E402
from searchers.one_shot.supernets import mixture_cost, registry  # noqa: E402
from searchers.one_shot.testing import SupernetSuite  # noqa: E402


class TestTopologySupernet(SupernetSuite):
    space = "tss"
    network = {"width": 2, "depth": 1}  # noqa: RUF012


class TestAffineTopologySupernet(SupernetSuite):
    space = "tss"
    network = {"width": 2, "depth": 1}  # noqa: RUF012
    options = {"affine": True}  # noqa: RUF012
    samples = 2


class TestPyramidTreeSupernet(SupernetSuite):
    space = "pyramid-tree"
    network = {"width": 2, "alpha": 4}  # noqa: RUF012
    samples = 2

    def problem(self) -> Problem:
        """In a small space; the registered one has 54 bottlenecks."""
        return replace(super().problem(), space=PyramidTreeSpace(stages=2, bottlenecks=1))

    @pytest.mark.slow
    def test_costs_more_than_a_network(self) -> None:
        """Counted in the registered space, whose networks the mean is of."""
        assert mixture_cost(super().problem()) > 1

    def test_repeats_may_have_weights_of_their_own(self) -> None:
        """Every cell has them: none is repeated."""
        net = self.made()
        own, shared = net.weights(repeated=True), net.weights()
        assert [w.shape for w in own] == [w.shape for w in shared] == [(1, 1, 9)] * 2


class TestDartsSupernet(SupernetSuite):
    space = "darts"
    network = {"channels": 2, "cells": 3}  # noqa: RUF012
    samples = 1


@pytest.mark.slow
class TestBayesNasTopologySupernet(SupernetSuite):
    space = "darts"
    network = {"channels": 2, "cells": 3}  # noqa: RUF012
    options = {"topology": "bayesnas", "affine": True}  # noqa: RUF012
    samples = 1


def test_every_built_in_supernet_has_a_suite() -> None:
    names = {vars(suite).get("space") for suite in SupernetSuite.__subclasses__()}
    assert names >= set(registry.builtin)
