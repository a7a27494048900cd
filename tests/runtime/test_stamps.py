"""Equal samples make equal files, whenever they are written."""

import time

import numpy as np
import pytest
import soundfile

from bridge.runtime.audio_output import Encoding, StemWriter, finish

KINDS = [
    *(("wav", bits) for bits in ("16", "24", "32f")),
    *(("aiff", bits) for bits in ("16", "24", "32f")),
    ("flac", "24"),
    ("mp3", None),
    ("ogg", None),
]


def written(path, encoding, samples):
    with StemWriter(path, encoding, 44100, 2, (0,), samples.shape[1]) as writer:
        writer.write(samples)
    finish(path, encoding, None)
    return path.read_bytes()


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The bytes of a file of each kind, written at two moments."""
    folder = tmp_path_factory.mktemp("twice")
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 50_000))

    def files():
        return {kind: written(folder / f"x.{kind[0]}", Encoding(*kind), samples) for kind in KINDS}

    first = files()
    time.sleep(1.1)  # the clock in the file counts seconds
    return first, files()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_clock_and_chance_are_not_in_the_file(twice, kind):
    first, second = twice
    assert first[kind] == second[kind]


def test_ogg_decodes_to_the_same_as_before(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (100_000, 2))
    soundfile.write(tmp_path / "x.ogg", samples, 44100)
    before = soundfile.read(tmp_path / "x.ogg")[0]
    finish(tmp_path / "x.ogg", Encoding("ogg", None), None)
    after = soundfile.read(tmp_path / "x.ogg")[0]
    assert len(after) == len(samples)
    assert np.array_equal(after, before)
