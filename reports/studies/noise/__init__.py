"""What noise costs a search: Rastrigin's function, and real tables whose noise is scaled."""

from __future__ import annotations

from reports.studies.noise.document import noise_document
from reports.studies.noise.published import PublishedTable, table_4_3, table_5_4
from reports.studies.noise.simulation import Settings, Simulation, simulate
from reports.studies.noise.study import NoiseStudy, Searches, noise_study

__all__ = [
    "NoiseStudy",
    "PublishedTable",
    "Searches",
    "Settings",
    "Simulation",
    "noise_document",
    "noise_study",
    "simulate",
    "table_4_3",
    "table_5_4",
]
