"""The native side as a user builds it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "shim"


def make(target):
    """What `make TARGET` prints, once it is done."""
    done = subprocess.run(
        ["make", target], cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
