"""The conformance suite of networks, inherited; it needs torch."""

from __future__ import annotations

from harness.networks import Task
from harness.testing import NetworkSuite


class TestCommitteeNetworks(NetworkSuite):
    space = "committees"
    task = Task((1, 8, 8), 10)
