"""DARTS on several workers: speed, communication, and whether they find the same."""

from __future__ import annotations

from reports.studies.parallel_darts.document import document
from reports.studies.parallel_darts.result import ParallelDarts
from reports.studies.parallel_darts.searches import Settings
from reports.studies.parallel_darts.study import parallel_darts

__all__ = ["ParallelDarts", "Settings", "document", "parallel_darts"]
