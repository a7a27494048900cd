"""A scripted server for each test that asks for one."""

import pytest

from bridge.client import StemStream
from tests.client.scripted import RATE
from tests.client.scripted_server import serving

BLOCK = 50


@pytest.fixture
def server(tmp_path):
    """Serves blocks of 50 frames at 8 kHz; `start` after `kill` is a new server."""
    with serving(tmp_path / "run", block=BLOCK) as started:
        yield started


@pytest.fixture
def open_stream(server):
    """Makes streams of that server, waiting ones unless it is said otherwise; closes them."""
    streams = []

    def make(**options):
        options = {"realtime": False, "connection": server.file, "timeout": 20, **options}
        streams.append(StemStream(RATE, BLOCK, **options))
        return streams[-1]

    yield make
    for stream in streams:
        stream.close()
