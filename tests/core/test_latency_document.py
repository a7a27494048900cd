"""The worked examples of docs/LATENCY.md, computed anew."""

from pathlib import Path

import pytest

from bridge.core.choose import Conditions, Wish, choose
from bridge.core.cost import Cost
from bridge.core.polyphase import design
from bridge.core.traits import Traits
from bridge.engine.live_model import SpectralModel
from bridge.engine.spectral import SpectralSeparator

LINES = (Path(__file__).parents[2] / "docs" / "LATENCY.md").read_text(encoding="utf-8").split("\n")


def example(column):
    """The numbers of one worked example, given and computed, by the name of their row."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in LINES if line[:1] == "|"]
    return {row[0]: int(row[column]) for row in rows if row[-1].isdigit()}


@pytest.mark.parametrize("column", [1, 2])
def test_a_worked_example_is_what_the_code_computes(column):
    numbers = iter(example(column).items())

    def given(start):
        name, number = next(numbers)
        assert name.startswith(start)
        return number

    host, model = given("host rate"), given("model rate")
    there, back = design(host, model), design(model, host)
    assert (given("resampler to"), given("resampler back")) == (there.half, back.half)
    block, burst, guard = given("largest block"), given("burst"), given("guard")
    grid, lookahead = given("grid"), given("look-ahead")
    window, past = given("window"), given("past")
    traits = Traits(grid, lookahead, 0, window, past, fixed=False)
    cost = Cost(given("typical run"), given("longest run"))
    conditions = Conditions(
        block, burst, guard, given("transport"), given("margin"), given("polling")
    )
    plan, allowances, frames = choose(there, back, traits, cost, conditions, Wish())
    assert given("hop") == plan.hop
    worst = max(plan.host_needed(run) - plan.host_final(run - 1) for run in range(1, 148))
    allowance = -(-allowances.total_us * host // 1_000_000)
    assert given("worst N - K") == worst
    assert given("B - 2") == block - 2
    assert given("C, ") == allowance
    assert given("A + g") == burst + guard
    assert given("**L, ") == frames == worst + block - 2 + allowance + burst + guard
    assert given("L, µs") == -(-frames * 1_000_000 // host)
    assert list(numbers) == []


def test_the_example_of_spectral_is_spectral():
    traits = SpectralModel(SpectralSeparator(48_000)).traits
    numbers = example(1)
    assert numbers["grid of hops, model frames"] == traits.grid
    assert numbers["look-ahead, model frames"] == traits.lookahead
    assert numbers["window, model frames"] == traits.window
    assert numbers["past context kept, model frames"] == traits.past
