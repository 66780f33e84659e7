"""Sparsity: a one-shot method's penalty against the size and the error of what it finds."""

from __future__ import annotations

from reports.studies.sparsity.compute import sparsity_curve
from reports.studies.sparsity.document import sparsity_document
from reports.studies.sparsity.result import SparsityCurve

__all__ = ["SparsityCurve", "sparsity_curve", "sparsity_document"]
