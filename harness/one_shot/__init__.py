"""One-shot searches: a supernet is trained, and an architecture is derived from it each epoch."""

from __future__ import annotations

from harness.one_shot.method import Diverged, OneShot
from harness.one_shot.problem import Problem

__all__ = ["Diverged", "OneShot", "Problem"]
