"""How different the architectures are that searches find, within and between groups."""

from __future__ import annotations

from reports.studies.diversity.document import document
from reports.studies.diversity.result import Diversity
from reports.studies.diversity.study import diversity

__all__ = ["Diversity", "diversity", "document"]
