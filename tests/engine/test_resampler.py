"""The live resampler against its definition, computed whole and in double precision."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.polyphase import design
from bridge.engine import resampler
from bridge.engine.convolve import convolve
from bridge.engine.resampler import Resampler
from tests.core.test_polyphase import PAIRS
from tests.core.windowed_sinc import reach, weight

FEW = [(48_000, 44_100), (44_100, 48_000), (192_000, 44_100), (44_100, 8000), (11_025, 96_000)]
ODD = [(37_800, 44_100), (44_100, 47_952), (44_100, 88_200), (176_400, 44_100), (50_000, 44_100)]
CUTS = st.lists(st.integers(0, 5) | st.integers(0, 1500), max_size=8)


def dense(source, target, frames, signal):
    """Target frames `frames` of `signal` (rows, n) by the definition, float64."""
    index = np.arange(signal.shape[1])
    columns = []
    for frame in frames:
        distance = (frame * source - index * target) / target
        near = np.flatnonzero(np.abs(distance) < reach(source, target))
        columns.append(signal[:, near] @ weight(source, target, distance[near]))
    return np.stack(columns, axis=1)


def noise(frames, rows=2, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (rows, frames)).astype(np.float32)


@pytest.mark.parametrize("pair", [*PAIRS, *ODD])
def test_it_gives_what_the_definition_says(pair):
    source, target = pair
    conversion = design(source, target)
    signal = noise(conversion.needed(1300))
    given_out = Resampler(conversion, 2).push(signal)
    # The beginning, where taps lie in front of the signal, and a stretch far from it.
    for frames in (range(20), range(1200, 1300)):
        expected = dense(source, target, frames, signal)
        assert np.abs(given_out[:, frames.start : frames.stop] - expected).max() < 1e-6


@settings(max_examples=80)
@given(st.sampled_from([*FEW, *ODD, (44_100, 44_100)]), st.sampled_from([1, 2, 8]), CUTS)
def test_how_the_signal_is_cut_makes_no_difference_to_the_last_bit(pair, rows, cuts):
    conversion = design(*pair)
    signal = noise(sum(cuts) + 1000, rows)
    whole = Resampler(conversion, rows).push(signal)
    resampler = Resampler(conversion, rows)
    pieces, come = [], 0
    for cut in [*cuts, 1000]:
        assert resampler.position == conversion.ready(come)
        pieces.append(resampler.push(signal[:, come : come + cut]))
        come += cut
    assert resampler.position == conversion.ready(come) == whole.shape[1]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


@pytest.mark.parametrize("pair", FEW)
def test_frames_one_by_one_come_exactly_when_the_conversion_says(pair):
    conversion = design(*pair)
    resampler = Resampler(conversion, 1)
    for come in range(3 * conversion.half):
        before = resampler.position
        given_out = resampler.push(np.ones((1, 1), np.float32))
        assert resampler.position == before + given_out.shape[1] == conversion.ready(come + 1)
        assert conversion.needed(resampler.position) <= come + 1


@settings(max_examples=60)
@given(st.sampled_from([*FEW, (48_000, 48_000)]), st.integers(0, 3000), CUTS)
@example((48_000, 44_100), 0, [])
def test_after_a_seek_it_gives_what_depends_on_nothing_before(pair, first, cuts):
    source, target = pair
    conversion = design(source, target)
    signal = noise(first + sum(cuts) + 1000)
    whole = Resampler(conversion, 2).push(signal)
    resampler = Resampler(conversion, 2)
    resampler.push(noise(700, seed=1))  # to be forgotten
    resampler.seek(first)
    start = resampler.position
    pieces, come = [], first
    for cut in [*cuts, 1000]:
        pieces.append(resampler.push(signal[:, come : come + cut]))
        come += cut
    found = np.concatenate(pieces, axis=1)
    np.testing.assert_array_equal(found, whole[:, start : start + found.shape[1]])
    assert resampler.position == max(start, whole.shape[1])
    # The first frame is the first with no tap before `first`: those reach half - 1 back.
    back = max(0, conversion.half - 1)
    if first == 0:
        assert start == 0
    else:
        assert start * source // target - back >= first
        assert (start - 1) * source // target - back < first


@pytest.mark.parametrize("pair", [*FEW, (8000, 44_100), (44_100, 384_000)])
@pytest.mark.parametrize("cycles", [10**9, 2**62, 2**70])
def test_far_from_the_beginning_frames_are_the_same(pair, cycles):
    conversion = design(*pair)
    signal = noise(3000)
    one = pair[0] // math.gcd(*pair)
    near = Resampler(conversion, 2, 5 * one)
    far = Resampler(conversion, 2, (cycles + 5) * one)
    np.testing.assert_array_equal(near.push(signal), far.push(signal))
    assert far.position - near.position == cycles * conversion.phases


@pytest.mark.parametrize(("host", "model"), [(48_000, 44_100), (96_000, 44_100), (8000, 11_025)])
def test_an_impulse_comes_back_at_its_own_frame(host, model):
    there, back = Resampler(design(host, model), 1), Resampler(design(model, host), 1)
    near = np.arange(1, 300)
    for frame in (1234, 1280, 1601):
        signal = np.zeros((1, 4000), np.float32)
        signal[0, frame] = 1
        returned = back.push(there.push(signal))[0]
        assert returned.argmax() == frame
        if frame * model % host == 0:  # elsewhere what nobody can hear is mirrored unevenly
            np.testing.assert_allclose(returned[frame - near], returned[frame + near], atol=1e-6)
        there.seek(0)
        back.seek(0)


def test_equal_rates_pass_through():
    signal = noise(100)
    assert Resampler(design(44_100, 44_100), 2).push(signal) is signal
    assert design(44_100, 44_100).half == 0


@pytest.mark.parametrize("pair", FEW)
def test_nothing_is_compiled_after_the_warm_up(pair):
    resampler.warm_up()
    before = list(convolve.signatures)  # type: ignore[attr-defined]
    for rows, first in ((1, 0), (8, 500)):
        Resampler(design(*pair), rows, first).push(noise(3000, rows))
    assert list(convolve.signatures) == before  # type: ignore[attr-defined]
    assert len(before) == 1


@pytest.mark.parametrize("host", [44_100, 48_000])
def test_a_worker_has_it_ready_for_who_plays_at_another_rate_and_does_without_else(host):
    program = (
        "import sys\n"
        "from bridge.engine.fake import FakeSeparator\n"
        "from bridge.engine.live_model import live_model\n"
        "from bridge.runtime.worker_models import warm_up\n"
        "from tests.engine.separators import alone\n"
        "warm_up(live_model(alone(FakeSeparator(44100, 44100))), int(sys.argv[1]))\n"
        "loop = sys.modules.get('bridge.engine.convolve')\n"
        "print(len(loop.convolve.signatures) if loop else 'numba' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", program, str(host)], check=True, stdout=-1)
    assert found.stdout.decode().strip() == ("False" if host == 44_100 else "1")
