"""A run that was killed and resumed gives the same files, in every format and with a network."""

import json
import signal

import pytest

from tests import networks
from tests.cli.helpers import good, music, stopped, tree, write
from tests.networks import RATE

KINDS = [
    ("wav", "16"),
    ("wav", "32f"),
    ("aiff", "32f"),
    ("flac", "24"),
    ("mp3", None),
    ("ogg", None),
]
LENGTH = 15.0  # seconds


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "small.safetensors"
    networks.save_network(networks.hybrid_transformer(), path)
    return path


def second_window(process):
    """Return when it is separated."""
    for line in process.stdout:
        if json.loads(line).get("windows") == 2:
            return


@pytest.mark.slow
@pytest.mark.parametrize(("audio_format", "bits"), KINDS)
def test_killed_and_resumed_gives_equal_files(network, audio_format, bits, tmp_path):
    write(tmp_path / "song.wav", music(round(LENGTH * RATE)), RATE)
    kind = ["--format", audio_format, *(["--bits", bits] if bits else [])]
    common = ["song.wav", "-m", network, *kind, "--json"]
    good(*common, "-o", "undisturbed", cwd=tmp_path)
    again = [*common, "-o", "killed", "--resume"]
    ended = stopped(signal.SIGKILL, second_window, *again, cwd=tmp_path, made="killed/song")
    assert ended.status == -signal.SIGKILL, ended.err
    good(*again, cwd=tmp_path)
    expected, found = tree(tmp_path / "undisturbed"), tree(tmp_path / "killed")
    manifests = [json.loads(files.pop("song/manifest.json") or b"") for files in (expected, found)]
    assert found == expected
    total = manifests[0]["windows"]["total"]
    windows = manifests[1]["windows"]
    assert windows["total"] == total
    assert windows["computed"] <= total - 2
