"""What Ardour gave, held against what `stembridge stream` gives for the same song."""

from __future__ import annotations

import numpy as np
import soundfile

from tests.hosts.ardour.host import Played
from tests.hosts.ardour.journal import Render
from tests.hosts.plugin import NULL_DECIBELS, decibels
from tests.server.sidecar import Sidecar

STEMS = ("vocals", "drums", "bass", "other")
TOLERANCE = 1e-6
HEARD_DECIBELS = -40


def streamed(
    server: Sidecar, song: np.ndarray, rate: int, origin: int, model: str = "spectral"
) -> dict[str, np.ndarray]:
    """The stems as `stembridge stream --origin` gives them, by name: (2, frames)."""
    file, out = server.folder / "song.wav", server.folder / "out"
    soundfile.write(file, song.T, rate, subtype="FLOAT")
    options = ("-o", str(out), "--origin", str(origin), "--bits", "32f", "--overwrite")
    ended = server.run("stream", str(file), "--model", model, *options)
    assert ended.status == 0, ended.err
    return {name: soundfile.read(out / "song" / f"{name}.wav")[0].T for name in STEMS}


def check(
    played: Played,
    render: Render,
    song: np.ndarray,
    server: Sidecar,
    rate: int,
    model: str = "spectral",
) -> None:
    """Every stem is that of the stream, sample by sample, and none of it was replaced."""
    assert (render.late, render.replaced) == (0, 0)
    wanted = streamed(server, song, rate, render.origin, model)
    for name, stem in wanted.items():
        assert decibels(stem) > HEARD_DECIBELS, name
        assert played.heard[name].shape == song.shape, name
        assert np.abs(played.heard[name] - stem).max() < TOLERANCE, name
    check_main(played, song)


def check_main(played: Played, song: np.ndarray) -> None:
    """Main is the song, and stems that the model has not are silent."""
    assert played.heard["main"].shape == song.shape
    assert decibels(played.heard["main"] - song) <= NULL_DECIBELS
    for name in set(played.heard) - {"main", *STEMS}:
        assert not played.heard[name].any(), name
