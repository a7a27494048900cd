"""The audio thread of the plug-in never allocates, locks or enters the kernel while it plays."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.server.sidecar import Sidecar
from tests.shim.building import BUILD

PROGRAM = BUILD / "tests" / "plugin" / "real_time"
BLOCKS, SEED = 100_000, 11
SECONDS_THERE, SECONDS_AWAY = 6, 1


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="what it traps is Linux's C library")
@pytest.mark.usefixtures("built")
def test_no_block_does_what_may_block_while_the_sidecar_comes_and_goes(tmp_path_factory):
    server = Sidecar(tmp_path_factory.mktemp("t"), "--calibrate", "1")
    server.start()
    arguments = [str(PROGRAM), str(BLOCKS), str(SEED)]
    with subprocess.Popen(
        arguments, env=server.environment, stdout=subprocess.PIPE, text=True
    ) as playing:
        goings = 0
        while playing.poll() is None:
            if goings > 0:
                server.start()
            wait(playing, SECONDS_THERE)
            if goings % 2 == 0:  # as a fault ends it, or a user
                server.kill()
            else:
                server.stop()
            goings += 1
            wait(playing, SECONDS_AWAY)
        out, _ = playing.communicate()
    assert playing.returncode == 0
    found = json.loads(out.splitlines()[-1])
    assert found["blocks"] == BLOCKS
    assert found["forbidden"] == 0, found
    # It came, and it went; prepared anew meanwhile.
    assert found["with_stems"] > 0, found
    assert found["without_stems"] > 0, found
    assert goings > 1
    assert found["prepared"] > 1
    if not found["sees_system_calls"]:
        pytest.skip("nothing was allocated or locked; to see system calls takes Linux 5.11")


def wait(playing: subprocess.Popen[str], seconds: float) -> None:
    """Return after so many seconds, or when it has ended."""
    deadline = time.monotonic() + seconds
    while playing.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
