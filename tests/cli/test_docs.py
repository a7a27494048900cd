"""What the documents promise: the example of the README runs, and every exit status is listed."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge import errors
from tests.cli.helpers import ROOT
from tests.server.sidecar import Sidecar


@pytest.mark.slow
def test_the_example_in_python_loses_nothing(tmp_path_factory, monkeypatch):
    (example,) = re.findall("```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    song = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 100_000)).astype(np.float32)
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "1") as sidecar:
        for name in ("STEMBRIDGE_RUNTIME_DIR", "STEMBRIDGE_CONFIG_DIR"):
            monkeypatch.setenv(name, sidecar.environment[name])
        names: dict[str, Any] = {"song": song}
        exec(example, names)  # noqa: S102 - it is ours
    assert names["stream"].late_frames == 0
    np.testing.assert_allclose(names["stems"].sum(axis=0), song, atol=1e-6)


def test_every_exit_status_is_listed():
    text = Path(ROOT / "docs/MANIFEST.md").read_text().partition("## Exit status")[2]
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    statuses = {kind.status for kind in vars(errors).values() if hasattr(kind, "status")}
    assert listed == {0, errors.INTERRUPTED} | statuses
