"""Draw README.md's figure from a finished demo.

After ``make demo``::

    python docs/images/draw.py demo-out
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def main(directory: Path) -> None:
    """Write ``anytime.svg`` beside this file."""
    (drawn,) = (directory / "report" / "figures").glob("*-anytime.svg")
    print(shutil.copy(drawn, Path(__file__).with_name("anytime.svg")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
