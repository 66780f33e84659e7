"""What only the authors of an experiment know, and declare in its file.

Declarations change no search and no digest. A report quotes them as such.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import UserError, unknown

DECLARABLE = {
    "code": "where the code of strategies that are no part of nas-harness is published",
    "training_code": "where the code that trained a table's networks is published",
    "tuning": "how the strategies' options were chosen, and what that cost",
    "resources": "what the whole work took: tuning, searches, final trainings",
    "hardware": "on which machine the table or the trainings were measured",
    "ablations": "where it is shown which part of a strategy matters",
}
"""What may be declared, in words."""


def checked(declared: Mapping[str, str]) -> dict[str, str]:
    """Declarations, each one line of text.

    Raises:
        UserError: If one is unknown or empty.
    """
    for name, text in declared.items():
        if name not in DECLARABLE:
            raise unknown("declaration", name, DECLARABLE)
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"declared {name}: say {DECLARABLE[name]}, or leave it out")
    return {name: " ".join(declared[name].split()) for name in DECLARABLE if name in declared}
