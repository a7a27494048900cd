"""The trained model separates songs it never heard, through the loading path that users have."""

import numpy as np
import pytest

from bridge.config import BounceSettings
from bridge.engine.offline import OfflineRun, Settings
from bridge.runtime.models import Models
from tests.tiny.evaluate import WEIGHTS, held_out_songs, quarter, scores, spectral
from tests.tiny.synth import STEMS


def loaded(precision):
    models = Models(BounceSettings(model=str(WEIGHTS), precision=precision), lambda *_: None)
    ensemble = models.load(44100)

    def separate(mix):
        run = OfflineRun(ensemble, mix.shape[1], Settings(ensemble.first.sources))
        stems = np.concatenate([chunk.stems for chunk in run.run(iter([mix]))], axis=-1)
        return dict(zip(ensemble.first.sources, stems, strict=True))

    return separate


@pytest.mark.slow
def test_every_stem_is_really_separated():
    """Far better than knowing nothing, and better than the weightless preview."""
    songs = held_out_songs(3)
    exact, knowing_nothing = scores(songs, loaded("exact")), scores(songs, quarter)
    preview = scores(songs, spectral)
    for stem, found, nothing, weightless in zip(
        STEMS, exact, knowing_nothing, preview, strict=True
    ):
        assert found > nothing + 2, stem
        assert found > weightless, stem


@pytest.mark.slow
def test_fast_precision_separates_as_well():
    songs = held_out_songs(1)
    assert scores(songs, loaded("fast")) == pytest.approx(scores(songs, loaded("exact")), abs=0.1)
