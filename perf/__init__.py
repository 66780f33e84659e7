"""How fast this project is, beside its peers: ``python -m perf``.

One small file a measurement. Each runs in fresh interpreters (`perf.fresh`), ours before a peer's,
and gives rows (`perf.figures`), from which `perf.page` writes ``RESULTS.md``.
"""

from __future__ import annotations

import os

# Before anything imports a numerical library; fresh interpreters and Ray's workers inherit it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
