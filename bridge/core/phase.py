"""How streams take turns: where each of several has its grid of hops.

A host hands over the blocks of all its tracks together. Were their grids the same, a run of each
would be ready at the same block, and the last one would wait for all the others.
"""

from __future__ import annotations

from collections.abc import Sequence


def phase(hop: int, grid: int, beside: Sequence[int], elsewhere: Sequence[int]) -> int:
    """By how much another stream should have its hops earlier than those at phase 0.

    hop, grid: as in a live plan, a hop being several steps of the grid. beside: phases of the
    streams that share its worker, elsewhere: of those that share the machine with it.

    Returns the multiple of `grid` below `hop` that fewest streams beside it have, of those the one
    that fewest have at all, of those the one that is farthest from the others, of those the
    smallest. Alone it is 0. All in the same frames.
    """
    everybody = [*beside, *elsewhere]

    def order(own: int) -> tuple[int, int, int, int]:
        gaps = [min((own - other) % hop, (other - own) % hop) for other in everybody]
        crowd = sum(hop * hop // (gap + grid) for gap in gaps)
        return beside.count(own), everybody.count(own), crowd, own

    return min(range(0, hop, grid), key=order)
