"""Where streams have their hops, against the rule in words and against hosts block by block."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.phase import phase

GRID = 540


@pytest.mark.parametrize("steps", range(1, 17))
def test_those_who_come_one_by_one_share_all_places_evenly(steps):
    hop = steps * GRID
    found: list[int] = []
    for _ in range(3 * steps):
        found.append(phase(hop, GRID, found, []))
        counts = Counter(found)
        assert max(counts.values()) - min(counts[at] for at in range(0, hop, GRID)) <= 1
        assert counts.keys() <= set(range(0, hop, GRID))
    assert found[0] == 0
    if steps % 2 == 0:
        assert found[1] == hop // 2


def test_the_second_to_fourth_are_as_far_apart_as_can_be():
    found: list[int] = []
    for _ in range(4):
        found.append(phase(16 * GRID, GRID, found, []))
    assert sorted(found) == [0, 4 * GRID, 8 * GRID, 12 * GRID]


@given(
    st.integers(1, 16),
    st.lists(st.integers(0, 15), max_size=40),
    st.lists(st.integers(0, 15), max_size=40),
)
def test_those_beside_it_count_first_and_those_elsewhere_next(steps, beside, elsewhere):
    near, far = ([at % steps * GRID for at in some] for some in (beside, elsewhere))
    found = phase(steps * GRID, GRID, near, far)
    places = range(0, steps * GRID, GRID)
    least = [at for at in places if near.count(at) == min(map(near.count, places))]
    total = near + far
    assert found in least
    assert total.count(found) == min(map(total.count, least))


@pytest.mark.parametrize(("hop", "block"), [(3, 512), (6, 1024), (16, 2048), (16, 64)])
def test_two_workers_never_have_more_than_their_share_of_runs_at_one_block(hop, block):
    """As tracks of one host are opened in turn, one here and one there."""
    length, workers = hop * GRID, (list[int](), list[int]())
    for number in range(16):
        mine, other = workers[number % 2], workers[1 - number % 2]
        mine.append(phase(length, GRID, mine, other))
    for phases in workers:
        # Places of which one comes with each block, at best.
        turns = min(hop, -(-length // block))
        at_block = [
            sum((end + at) // length > (end - block + at) // length for at in phases)
            for end in range(block, 40 * block, block)
        ]
        # Two neighbouring places may fall into the same block.
        assert max(at_block) <= 2 * -(-len(phases) // turns)
