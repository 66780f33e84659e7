"""What a cheaper, noisier evaluation buys at equal virtual time."""

from __future__ import annotations

from reports.studies.fidelity_economics.document import document
from reports.studies.fidelity_economics.result import FidelityEconomics
from reports.studies.fidelity_economics.study import fidelity_economics

__all__ = ["FidelityEconomics", "document", "fidelity_economics"]
