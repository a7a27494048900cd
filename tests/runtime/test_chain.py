"""A chain in blocks equals pedalboard fed by hand, in step with its input to the sample."""

import numpy as np
import pedalboard
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.runtime.chain import BLOCK, QUIET, Lane, Runner
from bridge.runtime.preset import Effect
from tests.hosts.plugin import bundle

RATE = 44100
FRAMES = 60_000

needs_plugin = pytest.mark.skipif(
    not bundle().exists(), reason="no plug-in was built; `make shim` does it"
)


def effect(name, **values):
    return Effect(name, values, "x.toml, line 1")


def plugin(**values):
    return Effect("", values, "x.toml, line 1", plugin=bundle())


COMPRESSOR = effect("Compressor", threshold_db=-25, ratio=4)
LIMITER = effect("BrickwallLimiter", ceiling_db=-6)
ECHO = effect("Delay", delay_seconds=0.11, feedback=0.4, mix=0.5)
HALL = effect("Reverb", room_size=0.8)
CHAINS = {
    "nothing": (),
    "no latency": (COMPRESSOR, effect("PeakFilter", gain_db=6), ECHO),
    "latency": (LIMITER,),
    "latency within": (COMPRESSOR, LIMITER, HALL, LIMITER),
    "equal blocks": (LIMITER, effect("MP3Compressor"), effect("Resample")),
}


@pytest.fixture(autouse=True)
def _private(tmp_path, monkeypatch):
    """The plug-in finds no sidecar of the user's."""
    for name in ("STEMBRIDGE_RUNTIME_DIR", "STEMBRIDGE_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


def music(frames=FRAMES, channels=2):
    random = np.random.default_rng(0)
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(frames) / RATE)
    return (random.uniform(-0.4, 0.4, (channels, frames)) + tone).astype(np.float32)


def run(effects, song, sizes=(BLOCK,), *, keep=False, block=BLOCK):
    heard: list[np.ndarray] = []
    lane = Lane(Runner(effects, RATE, song.shape[0], block), heard.append)
    at, turn = 0, 0
    while at < song.shape[1]:
        size = sizes[turn % len(sizes)]
        lane.push(song[:, at : at + size])
        at, turn = at + size, turn + 1
    lane.finish(song.shape[1], keep=keep)
    return np.concatenate(heard, axis=1)


def by_hand(effects, song):
    """One real `pedalboard.Pedalboard`, prepared, fed with blocks and flushed with zeros."""
    board = pedalboard.Pedalboard([one.make() for one in effects])
    zeros = np.zeros((song.shape[0], BLOCK), np.float32)
    for _ in range(4):
        board(zeros, RATE, buffer_size=BLOCK, reset=False)
    board.reset()
    padded = np.pad(song, ((0, 0), (0, -song.shape[1] % BLOCK + 8 * BLOCK)))
    heard = [
        board(np.ascontiguousarray(padded[:, at : at + BLOCK]), RATE, BLOCK, reset=False)
        for at in range(0, padded.shape[1], BLOCK)
    ]
    return np.concatenate(heard, axis=1)[:, : song.shape[1]]


@pytest.mark.parametrize("name", ["nothing", "no latency", "latency", "latency within"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_chain_equals_a_pedalboard_fed_by_hand(name, channels):
    song = music(channels=channels)
    heard = run(CHAINS[name], song)
    assert heard.shape == song.shape
    missed = np.abs(heard - by_hand(CHAINS[name], song)).max()
    print(f"{name}, {channels} channels: {missed:.2g}")  # noqa: T201 - to quote
    assert missed <= 1e-6


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_equals_whole_calls_one_effect_after_the_other(name):
    song = whole = music()
    for one in CHAINS[name]:
        whole = pedalboard.Pedalboard([one.make()])(whole, RATE, reset=True)
    np.testing.assert_allclose(run(CHAINS[name], song), whole, atol=1e-6)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 3 * BLOCK), min_size=1, max_size=5), st.sampled_from(list(CHAINS)))
def test_how_the_input_is_cut_changes_nothing(sizes, name):
    song = music(30_000)
    np.testing.assert_array_equal(run(CHAINS[name], song, sizes), run(CHAINS[name], song))


@pytest.mark.parametrize("frames", [1, 2, 100, BLOCK - 1, BLOCK, BLOCK + 1])
def test_short_signals_have_their_length(frames):
    song = music(frames)
    for chain in CHAINS.values():
        assert run(chain, song).shape == (2, frames)
    np.testing.assert_array_equal(run((), song), song)


def test_a_limiter_that_looks_ahead_is_in_step():
    song = np.zeros((2, FRAMES), np.float32)
    song[:, [1000, 40_000]] = 0.25, 0.125
    assert Runner((LIMITER,), RATE, 2, direct=True).latency == 222  # 5 ms, and tiny blocks
    np.testing.assert_allclose(run((LIMITER,), song), song, atol=1e-6)


@needs_plugin
@pytest.mark.parametrize("others", [(), (LIMITER,), (COMPRESSOR, LIMITER)])
def test_a_plug_in_with_latency_is_in_step(others):
    """The project's own, in bypass, which delays by what it reports: 0.6 s at this block."""
    song = music(100_000)
    expected = run(others, song)
    heard = run((*others, plugin(bypass=True)), song)
    assert Runner((plugin(bypass=True),), RATE, 2).latency > BLOCK + 3000
    missed = np.abs(heard - expected).max()
    print(f"plug-in after {len(others)}: {missed:.2g}")  # noqa: T201 - to quote
    assert missed <= 1e-6
    np.testing.assert_allclose(
        run((plugin(bypass=True), *others), song, (1000, 37)), expected, atol=1e-6
    )


@needs_plugin
def test_a_plug_in_equals_a_pedalboard_fed_by_hand():
    song = music(100_000)
    chain = (plugin(bypass=True), COMPRESSOR)
    np.testing.assert_allclose(run(chain, song), by_hand(chain, song), atol=1e-6)


@needs_plugin
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"bypas": True}, r"no parameter 'bypas' \(did you mean bypass\?\)"),
        ({"when_late": "Never"}, "when_late = 'Never'"),
        ({"vocals_gain_db": 1000.0}, "vocals_gain_db = 1000.0"),
    ],
)
def test_a_parameter_that_a_plug_in_lacks_is_refused(values, words):
    with pytest.raises(UsageError, match=words):
        plugin(**values).make()


@pytest.mark.parametrize("name", ["PitchShift", "GSMFullRateCompressor"])
def test_what_cannot_run_in_blocks_gets_the_whole_signal(name):
    song = music()
    chain = (COMPRESSOR, effect(name), LIMITER)
    assert chain[1].whole
    whole = song
    for one in chain:
        whole = pedalboard.Pedalboard([one.make()])(whole, RATE, reset=True)
    np.testing.assert_allclose(run(chain, song, (1000,)), whole[:, :FRAMES], atol=1e-6)


def test_tails_are_kept_until_they_are_silent():
    song = music()
    cut, kept = run((ECHO,), song), run((ECHO,), song, keep=True)
    np.testing.assert_array_equal(kept[:, :FRAMES], cut)
    last = np.flatnonzero(np.abs(kept).max(axis=0) >= QUIET)[-1]
    assert last > FRAMES + RATE
    assert kept.shape[1] - last < 2 * BLOCK
    longer = np.pad(song, ((0, 0), (0, kept.shape[1] - FRAMES)))
    np.testing.assert_array_equal(kept, run((ECHO,), longer))


def test_an_echo_that_comes_late_is_waited_for():
    late = effect("Delay", delay_seconds=9.0, feedback=0.0, mix=0.5)
    kept = run((late,), music(RATE), keep=True)
    assert kept.shape[1] == pytest.approx(10 * RATE, abs=2 * BLOCK)


def test_echoes_one_after_the_other_are_waited_for():
    late = effect("Delay", delay_seconds=9.0, feedback=0.0, mix=1.0)
    kept = run((late, late), music(RATE), keep=True)
    assert kept.shape[1] == pytest.approx(19 * RATE, abs=2 * BLOCK)


@pytest.mark.parametrize("chain", [(), (COMPRESSOR,), (LIMITER,)])
def test_without_a_tail_there_is_nothing_to_keep(chain):
    assert run(chain, music(), keep=True).shape == (2, FRAMES)


def test_a_tail_that_never_ends_is_ended():
    endless = effect("Delay", delay_seconds=0.1, feedback=1.0)
    kept = run((endless,), music(), keep=True)
    assert kept.shape[1] == pytest.approx(FRAMES + 60 * RATE, abs=2 * BLOCK)


def test_the_tail_of_a_whole_call_is_kept():
    chain = (effect("PitchShift", semitones=-2), ECHO)
    kept = run(chain, music(), keep=True)
    assert FRAMES + RATE < kept.shape[1] < FRAMES + 11 * RATE


def test_width_comes_before_the_chain():
    song = music()
    heard: list[np.ndarray] = []
    lane = Lane(Runner((COMPRESSOR,), RATE, 2), heard.append, width=0.0)
    lane.push(song)
    lane.finish(FRAMES, keep=False)
    mono = np.repeat(song.mean(axis=0, keepdims=True), 2, axis=0)
    np.testing.assert_allclose(np.concatenate(heard, axis=1), run((COMPRESSOR,), mono), atol=1e-6)


def test_the_rate_is_checked_where_it_is_known():
    with pytest.raises(UsageError, match="line 1: LowpassFilter: cutoff_frequency_hz = 30000 "):
        Runner((effect("LowpassFilter", cutoff_frequency_hz=30_000),), RATE, 2)


LIVE = {name: chain for name, chain in CHAINS.items() if name != "equal blocks"}


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 512) | st.integers(1, 3), min_size=1, max_size=6),
    st.sampled_from(list(LIVE)),
    st.sampled_from([1, 2]),
)
def test_live_blocks_of_any_size_give_the_same_with_a_latency_that_holds(sizes, name, channels):
    song = music(4_000, channels)
    runner = Runner(LIVE[name], RATE, channels, 512, direct=True)
    heard, at, turn, given_frames = [], 0, 0, 0
    while at < song.shape[1]:
        block = song[:, at : at + sizes[turn % len(sizes)]]
        heard.append(runner.push(block))
        at, turn = at + block.shape[1], turn + 1
        given_frames += heard[-1].shape[1]
        assert given_frames >= at - runner.latency
    heard.append(runner.finish())
    np.testing.assert_allclose(
        np.concatenate(heard, axis=1), run(LIVE[name], song, block=512), atol=1e-6
    )


@pytest.mark.parametrize("name", ["MP3Compressor", "Resample", "PitchShift"])
def test_what_cannot_run_live_says_so(name):
    with pytest.raises(UsageError, match=f"line 1: {name} cannot run live, only on files"):
        Runner((effect(name),), RATE, 2, direct=True)


@needs_plugin
def test_a_plug_in_runs_live_with_a_latency_that_holds():
    song = music(30_000)
    runner = Runner((LIMITER, plugin(bypass=True)), RATE, 2, 512, direct=True)
    heard, at = [], 0
    for size in [100, 512, 37] * 60:
        block = song[:, at : at + size]
        heard.append(runner.push(block))
        at += block.shape[1]
        assert sum(piece.shape[1] for piece in heard) >= at - runner.latency
    heard.append(runner.finish())
    np.testing.assert_allclose(
        np.concatenate(heard, axis=1), run((LIMITER,), song[:, :at]), atol=1e-6
    )
