"""Where what was compiled is kept, and that it need not be."""

import os
import subprocess
import sys

import pytest

LOOP = """
import numpy as np
from bridge.engine.compiled import compiled

@compiled
def halves(values):
    for i in range(values.size):
        values[i] = 1 / values[i] / 2

values = np.array([1, 2, 0], np.float32)
halves(values)
print(values.tolist(), sum(halves.stats.cache_hits.values()))
"""


def ran(folder, cache):
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, folder / "loop.py"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert not ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize("writable", ["source", "cache", ""])
def test_it_is_kept_where_it_can_be(tmp_path, writable):
    folder, cache = tmp_path / "source", tmp_path / "cache"
    folder.mkdir()
    (folder / "loop.py").write_text(LOOP)
    if writable != "source":
        (folder / "__pycache__").touch()  # root may write to any folder, but not to a file in one
    if not writable:
        cache.touch()
    found = "[0.5, 0.25, inf]"
    assert [ran(folder, cache), ran(folder, cache)] == [
        f"{found} 0",
        f"{found} {1 if writable else 0}",
    ]
