"""Which edges of a cell are worth computing; free of torch, since costs are counted with it."""

from __future__ import annotations

from harness.spaces.tss import EDGES, OPERATIONS

_NONE = OPERATIONS.index("none")


def live_edges(operations: tuple[int, ...]) -> tuple[int, ...]:
    """Indices of the edges on some path of operations from the input node to the output node.

    The other edges cannot carry anything of the input to the output. A cell computes only its
    live edges, though it owns the layers of all, as the official networks do. The one difference
    from computing all: a convolution that is fed zeros everywhere would add its batch
    normalisation's learned shift, a constant, where this cell adds nothing.
    """
    used = [i for i, operation in enumerate(operations) if operation != _NONE]
    reached, reaching = {0}, {3}
    for i in used:  # the edges are sorted by the node they enter, so one sweep is enough
        if EDGES[i][0] in reached:
            reached.add(EDGES[i][1])
    for i in sorted(used, key=lambda i: -EDGES[i][0]):
        if EDGES[i][1] in reaching:
            reaching.add(EDGES[i][0])
    return tuple(i for i in used if EDGES[i][0] in reached and EDGES[i][1] in reaching)
