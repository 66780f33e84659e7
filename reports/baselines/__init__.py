"""Our strategies' searches on the embedded benchmark, for a newcomer's to stand beside.

``tss-digits.parquet`` is an archive (`harness.archive`) of the experiment ``tss-digits.yaml``:

    nas-harness run reports/baselines/tss-digits.yaml --out DIR
    nas-harness archive DIR --out reports/baselines/tss-digits.parquet
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import unknown

_FOLDER = Path(__file__).parent


def baseline_archive(name: str) -> Path:
    """The archive that ships for a benchmark.

    Raises:
        UserError: If there is none for it.
    """
    known = sorted(path.stem for path in _FOLDER.glob("*.parquet"))
    if name not in known:
        raise unknown("archive", name, known)
    return _FOLDER / f"{name}.parquet"
