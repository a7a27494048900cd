"""Studies of files: which part is used, what it costs, what is found, and what is written."""

import csv
import math
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import BounceSettings
from bridge.core.choose import Wish, choose
from bridge.core.conversion import Conversion
from bridge.core.study import Case
from bridge.core.traits import Traits
from bridge.errors import InputError, OutputError, UsageError
from bridge.runtime.models import Models
from bridge.runtime.study import Study
from bridge.runtime.study_files import can_draw, draw, write_csv
from bridge.runtime.study_latency import Latencies
from bridge.runtime.study_song import SECONDS, SHORTEST, TAIL, choose_part, inspect, read_part
from tests.cli.helpers import music, write
from tests.tiny import synth

RATE = 44_100
FAKE = "fake:segment=30000,delay=100"
GAINS = {"drums": 0.5, "bass": 0.25, "other": 0.0625, "vocals": 0.125}
TRAITS = Traits(1, 4096, 0, 343_980, 42_997, fixed=False)


def study(path, model=FAKE, **values):
    settings = BounceSettings(model=model, start=values.pop("start", None))
    return Study(path, settings, Models(settings, lambda *_: None), **values)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    return write(tmp_path_factory.mktemp("s") / "song.wav", music(4 * RATE))


@given(
    st.integers(1, 100 * 8000),
    st.floats(0.1, 10),
    st.none() | st.floats(0, 100),
    st.none() | st.floats(1, 100),
)
def test_the_part_lies_in_the_song_with_what_its_stems_depend_on(frames, window, start, seconds):
    rate = 8000
    try:
        part = choose_part(frames, rate, window, start, seconds)
    except (UsageError, InputError):
        # No such part is long enough.
        first = window if start is None else start
        assert frames / rate - TAIL - first < SHORTEST + 2 / rate
        return
    measured = part.measured
    assert SHORTEST * rate <= measured.length <= (seconds or SECONDS) * rate + 1
    assert part.read.start >= 0
    assert measured.stop + TAIL * rate <= part.read.stop + 1
    assert part.read.stop <= frames
    before = measured.start - part.read.start
    if start is None:
        assert before >= window * rate - 1
    else:
        assert abs(measured.start - start * rate) <= 1
        assert before >= min(window * rate - 1, measured.start)


def test_a_long_song_is_studied_in_its_middle():
    part = choose_part(240 * RATE, RATE, 7.8, None, None)
    middle = (part.measured.start + part.measured.stop) / 2 / RATE
    assert part.measured.length == 20 * RATE
    assert middle == pytest.approx(123.5, abs=0.1)


def test_what_is_too_short_or_starts_too_late_is_refused():
    with pytest.raises(InputError, match=r"use a song of 9\.6 s or more"):
        choose_part(9 * RATE, RATE, 7.8, None, None)
    with pytest.raises(UsageError, match=r"--start 8 s .* lasts 9\.0 s"):
        choose_part(9 * RATE, RATE, 7.8, 8, None)


def test_a_part_is_read_as_it_is_in_the_file(tmp_path):
    samples = music(3 * RATE, channels=1)
    path = write(tmp_path / "mono.wav", samples, subtype="FLOAT")
    part = choose_part(inspect(path).frames, RATE, 0.5, 1.0, 1.0)
    found = read_part(path, part, RATE)
    wanted = np.repeat(samples[part.read.start : part.read.stop].T, 2, axis=0)
    np.testing.assert_array_equal(found, wanted.astype(np.float32))
    at_half = part.measured_at(RATE // 2)
    assert read_part(path, part, RATE // 2).shape[1] * 2 == pytest.approx(found.shape[1], abs=2)
    assert at_half.length * 2 == pytest.approx(part.measured.length, abs=2)


@contextmanager
def lasting(milliseconds):
    """Meanwhile each run takes so long by the clock of a study."""
    ticks = count(0, milliseconds * 1_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.runtime.study_latency.time.perf_counter_ns", ticks.__next__)
        yield


@pytest.fixture
def runs():
    """Latencies after nine runs of a full window that took 400 ms each, of which one warmed up."""

    def make(*, shares):
        latencies = Latencies(TRAITS, RATE, shares=shares)
        assert latencies.cost(TRAITS.window) is None
        assert latencies.smallest(TRAITS.window, 4096) is None
        run = latencies.timed(TRAITS.window, lambda _: np.zeros((4, 2, 1), np.float32))
        with lasting(400):
            for _ in range(9):
                run(None)
        return latencies

    return make


def test_latencies_are_those_that_a_session_would_have(runs):
    latencies, same = runs(shares=False), Conversion(RATE, RATE)
    cost = latencies.cost(TRAITS.window)
    assert cost.typical_us == pytest.approx(500_000, rel=0.02)
    assert cost.worst_us == 500_000
    wish = Wish(0, TRAITS.window, 4096)
    plan, _, frames = choose(same, same, TRAITS, cost, latencies._conditions, wish)
    smallest = latencies.smallest(TRAITS.window, 4096)
    assert smallest == pytest.approx(1000 * frames / RATE)
    # A hop, the look-ahead and a run, and what the host's blocks take.
    assert 1000 + 92 < smallest < 1000 + 92 + 60
    of = latencies.of(Case(TRAITS.window, plan.hop, 4096, 2048))
    assert of == pytest.approx(smallest)
    longer = latencies.of(Case(TRAITS.window, plan.hop + 4410, 4096, 2048))
    assert longer == pytest.approx(smallest + 100)
    assert latencies.of(Case(TRAITS.window, plan.hop - 1, 4096, 2048)) is None


def test_a_cpu_is_shared_with_others(runs):
    alone, shared = (runs(shares=shares).cost(TRAITS.window) for shares in (False, True))
    assert shared.typical_us == pytest.approx(1.2 * alone.typical_us)
    assert shared.worst_us == pytest.approx(4 / 3 * alone.worst_us, abs=1)


def test_a_model_without_error_has_none_in_any_plan(song):
    found = study(song)
    steps = []
    with lasting(30):
        found.run(lambda what, done, total: steps.append((what, done, total)))
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert steps[-1][1] == pytest.approx(steps[-1][2])
    rows = found.rows
    assert {row.join for row in rows} == {"fade", "average"}
    assert len({row.window for row in rows}) == 3
    for row in rows:
        assert min(row.snr.values()) > 100
        assert row.seconds == pytest.approx(found.part.measured.length / RATE)
        assert row.smallest is not None
        assert row.sdr == {}
        assert (row.join == "average") <= (row.lookahead > row.hop)
    # Nothing that a run says of its newest 100 frames can be used.
    assert min(row.lookahead for row in rows) * RATE >= 100


def test_against_true_stems(tmp_path):
    mix = music(4 * RATE)
    path = write(tmp_path / "song.wav", mix, subtype="FLOAT")
    for name, gain in GAINS.items():
        wrong = 1.1 if name == "bass" else 1
        write(tmp_path / "true" / f"{name}.wav", mix * gain * wrong, subtype="FLOAT")
    found = study(path, quick=True, truth=tmp_path / "true")
    found.run(lambda *_: None)
    sdr = found.summary()["offline_sdr"]
    assert sdr["bass"] == pytest.approx(20 * math.log10(1.1 / 0.1), abs=0.01)
    assert sdr["drums"] > 100
    for row in found.rows:
        assert row.sdr["bass"] == pytest.approx(sdr["bass"], abs=0.01)
    write(tmp_path / "true" / "vocals.wav", mix[:-1])
    with pytest.raises(InputError, match=r"vocals\.wav has 176399 frames"):
        study(path, truth=tmp_path / "true")


def test_what_never_differs_is_not_studied(song):
    with pytest.raises(UsageError, match=r"spectral always reads the same window.*name a network"):
        study(song, "spectral")


def test_what_was_measured_before_an_interruption_stays(song):
    found = study(song)

    def interrupt(what, _done, _total):
        if what.startswith("window 0.34") and len(found.rows) > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        found.run(interrupt)
    rows, whole = found.rows, found.part.measured.length / RATE
    seconds = {row.window: row.seconds for row in rows}
    assert sorted(round(window, 2) for window in seconds) == [0.34, 0.68]
    assert seconds[max(seconds)] == pytest.approx(whole)
    assert 0 < seconds[min(seconds)] < whole


@pytest.fixture(scope="module")
def finished(song):
    found = study(song, quick=True)
    with lasting(30):
        found.run(lambda *_: None)
    return found


def test_the_csv_has_every_row(finished, tmp_path):
    write_csv(tmp_path / "study.csv", finished.rows, finished.sources)
    with (tmp_path / "study.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(finished.rows)
    for line, row in zip(lines, finished.rows, strict=True):
        assert float(line["lookahead_ms"]) == pytest.approx(1000 * row.lookahead, abs=0.05)
        assert float(line["snr_db_bass"]) == pytest.approx(row.snr["bass"], abs=0.005)
        assert float(line["smallest_latency_ms"]) == pytest.approx(row.smallest, abs=0.05)
        assert line["latency_ms"] == "" if row.latency is None else float(line["latency_ms"]) > 0
    assert not any(name.startswith("sdr") for name in lines[0])


def test_the_picture_is_one(finished, tmp_path):
    if not can_draw():
        pytest.skip("matplotlib is not installed: pip install 'stembridge[study]'")
    from matplotlib.image import imread

    draw(tmp_path / "study.png", finished.rows, finished.summary() | {"song": "a.wav"})
    pixels = imread(tmp_path / "study.png")
    assert pixels.shape[0] > 300
    assert pixels.shape[1] > 600
    # Lines in several colours, and not an empty frame.
    assert len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) > 50


def test_a_full_disk_is_told_in_words(finished):
    with pytest.raises(OutputError, match="the disk is full"):
        write_csv(Path("/dev/full"), finished.rows, finished.sources)


@pytest.mark.slow
def test_a_trained_network_gains_by_looking_ahead(tmp_path):
    stems = synth.song(synth.DEMO_SEED, 8.0)
    mix = np.sum(list(stems.values()), axis=0)
    path = write(tmp_path / "song.wav", mix.T.astype(np.float64), subtype="FLOAT")
    for name, stem in stems.items():
        write(tmp_path / "true" / f"{name}.wav", stem.T.astype(np.float64), subtype="FLOAT")
    found = study(path, "tests/tiny/weights", quick=True, truth=tmp_path / "true")
    found.run(lambda *_: None)
    faded = [row for row in found.rows if row.join == "fade"]
    hop, window = min(row.hop for row in faded), max(row.window for row in faded)
    line = {
        round(1000 * row.lookahead): row for row in faded if (row.hop, row.window) == (hop, window)
    }
    none, own = line[0], line[93]
    moved = found.summary()["moved"]
    for name in found.sources:
        assert none.snr[name] < own.snr[name] < moved[name] + 6
    assert np.mean([own.snr[name] - none.snr[name] for name in found.sources]) > 0.5
    assert none.seams > own.seams + 1
    # Truth is further away than offline and live are from each other.
    assert all(own.snr[name] > own.sdr[name] for name in found.sources)
