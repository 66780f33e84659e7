"""Prints a searcher's proposals as JSON; the conformance suite runs it in another process.

Reads from standard input what the suite pickled there: what `build` takes, and the number
of proposals.
"""

from __future__ import annotations

import json
import pickle
import sys

from harness.testing.conversation import converse, notation
from harness.testing.searcher_suite import build

if __name__ == "__main__":
    (searcher, options, space, seed, fidelities), asks = pickle.load(sys.stdin.buffer)
    talk = converse(build(searcher, options, space, seed, fidelities), space, asks)
    print(json.dumps(notation(space, talk.proposals)))
