"""Documents as files: `write_document` writes a page, Markdown, figures and tables."""

from __future__ import annotations

from reports.rendering.write import FORMATS, write_document

__all__ = ["FORMATS", "write_document"]
