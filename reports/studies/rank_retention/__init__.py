"""Rank retention: how much of the final order of architectures cheaper measurements keep."""

from __future__ import annotations

from reports.studies.rank_retention.compute import rank_retention
from reports.studies.rank_retention.document import retention_document
from reports.studies.rank_retention.result import RankRetention

__all__ = ["RankRetention", "rank_retention", "retention_document"]
