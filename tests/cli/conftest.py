"""Fixtures of the command line's tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.helpers import COMMAND, NOBODY


@pytest.fixture
def common() -> Iterator[Path]:
    """A folder in which another user may work; pytest's own are private to root."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("giving up root's rights needs root and setpriv")
    if subprocess.run([*NOBODY, *COMMAND, "--help"], capture_output=True, check=False).returncode:
        pytest.skip(f"another user may not run {COMMAND[0]}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
