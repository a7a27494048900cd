"""Which models a client may name from where."""

import pytest

from bridge.client import StemStream
from bridge.errors import ServerError
from tests.server.sidecar import Sidecar


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory):
    with Sidecar(
        tmp_path_factory.mktemp("t"), "--calibrate", "0.2", "--bind", "tcp://127.0.0.1"
    ) as running:
        yield running


@pytest.mark.parametrize("model", ["/etc/passwd", "weights.safetensors", "a/b", "runtime", "~"])
def test_files_are_not_taken_over_tcp(on_tcp, model):
    with pytest.raises(ServerError, match="only taken over ipc"):
        StemStream(48_000, 512, model, connection=on_tcp.connection)


def test_settings_of_the_fake_are(on_tcp):
    with StemStream(
        48_000, 512, "fake:cost=0.001", realtime=False, connection=on_tcp.connection
    ) as stream:
        assert stream.stems == ("drums", "bass", "other", "vocals")
