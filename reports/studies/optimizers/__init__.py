"""Optimizers and epochs: which short trainings order networks as long ones do."""

from __future__ import annotations

from reports.studies.optimizers.compute import optimizer_ranks
from reports.studies.optimizers.document import optimizer_document
from reports.studies.optimizers.result import OptimizerRanks

__all__ = ["OptimizerRanks", "optimizer_document", "optimizer_ranks"]
