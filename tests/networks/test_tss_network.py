"""The networks have the official parameter counts, and weights that depend on the seed alone."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.networks.cells import live_edges  # noqa: E402
from harness.networks.nats import build_sss, build_tss  # noqa: E402
