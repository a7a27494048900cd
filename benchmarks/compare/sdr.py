"""What a variant costs of the quality of a trained network: the tiny one, on songs it never saw."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.compare.rounds import say
from benchmarks.compare.setting import Setting
from bridge.engine.offline import OfflineRun, Settings
from bridge.runtime.models import Models

DEMUCS = "demucs"


def sdr(setting: Setting) -> dict[str, Any]:
    """Median SDR in dB of each stem over the held-out songs, by demucs and by every variant."""
    from tests.tiny import evaluate
    from tests.tiny.synth import STEMS

    songs = evaluate.held_out_songs()
    tiny = evaluate.load_tiny()
    say("demucs with the tiny network")
    found = {DEMUCS: evaluate.scores(songs, lambda mix: evaluate.separate(tiny, mix))}
    for variant in setting.variants:
        say(f"{variant.name} with the tiny network")
        models = Models(variant.settings(str(evaluate.WEIGHTS)), lambda _name, _required: None)

        def method(mix: np.ndarray, models: Models = models) -> dict[str, np.ndarray]:
            ensemble = models.load(44_100)
            names = ensemble.first.sources
            models.prepare(ensemble, names, say)
            run = OfflineRun(ensemble, mix.shape[1], Settings(names, batch=models.batch))
            stems = np.concatenate([chunk.stems for chunk in run.run(iter([mix]))], axis=2)
            return dict(zip(names, stems, strict=True))

        with patch.dict(os.environ, variant.environment):  # it is loaded with the first song
            found[variant.name] = evaluate.scores(songs, method)
    return {"stems": list(STEMS), "sdr": found, "songs": len(songs)}
