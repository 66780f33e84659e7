"""The field's checklist, answered from the records."""

from __future__ import annotations

from collections import Counter

from reports.checklist import NO, NOT_APPLICABLE, UNANSWERED, YES
from reports.document import Column, Section, Table
from reports.summary import Summary

_MARKED = {
    YES: f"▲ {YES}",
    NO: f"▼ {NO}",
    UNANSWERED: f"○ {UNANSWERED}",
    NOT_APPLICABLE: NOT_APPLICABLE,
}


def checklist(summary: Summary) -> Section | None:
    """One row a practice; nothing for summaries of before there was a checklist."""
    items = summary.checklist
    if not items:
        return None
    counts = Counter(item.answer for item in items)
    counted = ", ".join(f"{counts[answer]} {answer}" for answer in _MARKED if counts[answer])
    return Section(
        name="checklist",
        title="Best practices",
        text=(
            "The practices are those of Lindauer and Hutter, “Best Practices for Scientific"
            " Research on Neural Architecture Search” (JMLR 21:243, 2020), in our words and with"
            " their numbers. The answers come from the records of this experiment and from what"
            " the tables say of themselves. What only the authors know is quoted as they declare"
            f" it, unchecked, and is unanswered where they do not. Here: {counted}.",
        ),
        tables=(
            Table(
                name="checklist",
                title="How this experiment stands to the practices",
                columns=(Column("no."), Column("practice"), Column("answer"), Column("evidence")),
                rows=tuple(
                    (item.number, item.practice, _MARKED[item.answer], item.evidence)
                    for item in items
                ),
            ),
        ),
    )
