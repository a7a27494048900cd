"""What `benchmarks.compare` makes of times and results; measuring itself is for a quiet machine."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.compare import document, rounds, tables
from benchmarks.compare.core_clock import CoreClock
from benchmarks.compare.results import Result
from benchmarks.compare.variant import Variant
from bridge.engine.demucs import DemucsSeparator
from tests import networks
from tests.engine.test_demucs import music

seconds = st.floats(0.01, 100)


@given(st.lists(st.tuples(seconds, seconds, st.floats(0.5, 2)), min_size=1, max_size=9))
def test_a_machine_that_wanders_from_round_to_round_changes_no_ratio(drawn):
    steady = rounds.ratio([a for a, _, _ in drawn], [b for _, b, _ in drawn])
    wandering = rounds.ratio([a * w for a, _, w in drawn], [b * w for _, b, w in drawn])
    assert wandering.median == pytest.approx(steady.median)
    assert steady.low <= steady.median <= steady.high


def test_rounds_that_are_missing_on_one_side_make_no_ratio():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        rounds.ratio([1.0, 2.0], [1.0])


@given(st.integers(1, 4), st.integers(1, 7))
def test_every_side_runs_once_a_round_and_begins_in_turn(sides, runs):
    order = []

    def side(name):
        def run():
            order.append(name)
            return {"seconds": float(len(order))}

        return run

    found = rounds.in_turn({str(name): side(name) for name in range(sides)}, runs)
    assert all(len(times) == runs for times in found["seconds"].values())
    each = [order[at : at + sides] for at in range(0, len(order), sides)]
    assert all(sorted(one) == list(range(sides)) for one in each)
    assert [one[0] for one in each] == [number % sides for number in range(runs)]


@given(st.floats(-120, 0), st.integers(0, 3))
def test_the_error_is_that_of_the_worst_stem(level, worst):
    random = np.random.default_rng(1)
    stems = random.normal(0, 1, (4, 2, 4000)).astype(np.float32)
    found = stems.astype(np.float64)
    found[worst] += 10 ** (level / 20) * random.normal(0, 1, found[worst].shape)
    assert rounds.worst_snr(stems, found) == pytest.approx(-level, abs=0.3)
    assert rounds.worst_snr(stems, stems) == np.inf


@given(st.text(), st.text(), st.text(), st.text())
def test_only_what_stands_between_the_markers_is_replaced(before, old, after, new):
    assume(document.BEGIN not in before + old + after and document.END not in before + old + after)
    text = f"{before}{document.BEGIN}\n{old}{document.END}{after}"
    found = document.replaced(text, new)
    assert found == f"{before}{document.BEGIN}\n{new}{document.END}{after}"


def test_a_document_without_markers_gets_them_at_its_end():
    found = document.replaced("# What it costs\n", "new\n")
    assert found == f"# What it costs\n\n{document.BEGIN}\nnew\n{document.END}\n"


@pytest.mark.parametrize(
    "text",
    [
        document.BEGIN,
        document.END,
        document.END + document.BEGIN,
        2 * (document.BEGIN + document.END),
    ],
)
def test_markers_that_are_no_pair_are_refused(text):
    with pytest.raises(ValueError, match="each once"):
        document.replaced(text, "new")


def test_a_table_of_speeds_has_ratios_errors_and_multiples_of_real_time():
    found = {
        "seconds": {"apply_model": [60.0, 80.0, 60.0], "exact": [30.0, 40.0, 20.0]},
        "cpu": {"apply_model": [120.0, 160.0, 120.0], "exact": [60.0, 80.0, 40.0]},
        "snr": {"exact": 123.45},
    }
    result = Result("offline", "2026-11-29", "here", 0.0, 3, 60.0, small=False, found=found)
    (row,) = [line for line in tables.offline(result) if line.startswith("| exact")]
    assert row == "| exact | 2.00 (2.00 to 3.00) | 123.5 dB | 2.00 x | 2.00 |"


@pytest.mark.parametrize("text", ["exact", "fast"])
def test_a_variant_is_a_precision(text):
    variant = Variant.parse(text)
    assert (variant.name, variant.options) == (text, ["--precision", text])
    assert variant.settings("spectral").precision == text


def test_a_variant_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'quick' is no variant"):
        Variant.parse("quick")


@pytest.mark.parametrize(
    ("slow", "counts"), [("_spec", False), ("_ispec", False), ("freq_emb", True)]
)
@pytest.mark.parametrize("ours", [False, True])
def test_the_clock_of_the_network_leaves_the_stft_out(slow, counts, ours, monkeypatch):
    network, now = networks.hybrid_transformer(), [0.0]
    separator = DemucsSeparator(network, name="test")
    owner = type(network) if slow.startswith("_") else type(network.freq_emb)
    name = slow if slow.startswith("_") else "forward"
    original = getattr(owner, name)

    def takes_a_second(*arguments, **named):
        now[0] += 1
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, takes_a_second)
    noise = music(separator.segment)[None]
    with torch.no_grad(), CoreClock(lambda: now[0]) as clock:
        separator.separate(noise) if ours else network(torch.from_numpy(noise))
    assert now == [4.0 if ours and slow == "_ispec" else 1.0]  # stem by stem
    assert clock.seconds == counts


def test_networks_that_run_at_once_count_once():
    times = iter([1.0, 4.0, 10.0, 11.0])
    clock = CoreClock(lambda: next(times))
    clock.begin()  # at 1

    def another() -> None:
        clock.begin()
        clock.end()

    other = threading.Thread(target=another)
    other.start()
    other.join()
    clock.end()  # at 4
    clock.end()
    clock.begin()  # at 10
    clock.end()  # at 11
    assert clock.seconds == 4
