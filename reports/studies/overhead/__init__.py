"""How much time a search spends on its own logic, beside the evaluations that it asks for."""

from __future__ import annotations

from reports.studies.overhead.document import document
from reports.studies.overhead.result import Overhead, OverheadStudy
from reports.studies.overhead.study import overhead

__all__ = ["Overhead", "OverheadStudy", "document", "overhead"]
