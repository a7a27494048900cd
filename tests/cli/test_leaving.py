"""A process that ends at once has done all that it was to do, and nothing else does so."""

import sys

import pytest

from tests.cli.helpers import FAKE, run, song

PROGRAM = """
import atexit, sys, threading, time
from bridge.cli.leaving import keep_to_the_end, leave

class Network:
    def __del__(self):
        print("freed")

def main():
    keep_to_the_end(Network())
    atexit.register(print, "registered")
    threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()
    print("output")
    leave(7)
"""


def ended(program, tmp_path):
    return run([sys.executable, "-c", PROGRAM + program], cwd=tmp_path)


def test_only_what_was_kept_is_left_to_the_system(tmp_path):
    found = ended("main()", tmp_path)
    assert (found.status, found.out.split()) == (7, ["output", "thread", "registered"])


def test_whoever_goes_on_ends_as_ever(tmp_path):
    program = PROGRAM.replace("    leave(7)", "    sys.exit(3)") + "main()"
    found = run([sys.executable, "-c", program], cwd=tmp_path)
    assert (found.status, found.out.split()) == (3, ["output", "thread", "registered", "freed"])


@pytest.mark.parametrize("arguments", [["-o", "out"], ["-o", "song.wav"]])
def test_a_bounce_ends_at_once_with_its_status(tmp_path, arguments):
    """What was registered before does not run."""
    program = "import atexit; atexit.register(print, 'freed'); "
    program += "from bridge.cli.main import run; run()"
    song(tmp_path)
    words = ["bounce", "song.wav", *FAKE, "--json", *arguments]
    found = run([sys.executable, "-c", program, *words], cwd=tmp_path)
    assert found.status == (0 if arguments[-1] == "out" else 4)
    assert "freed" not in found.out
    assert ("done" in found.out) == (found.status == 0)
