"""`stembridge bench`: what it says follows from models whose cost is known beforehand."""

import json
import os
import subprocess

import pytest

from bridge.client import StemStream
from tests import networks
from tests.cli.helpers import Ended, refused
from tests.server.sidecar import COMMAND, Sidecar

COST = 0.05
SECONDS = 4
COSTLY = f"fake:segment={44_100 * SECONDS},rate=44100,cost={COST}"


@pytest.fixture
def bench(tmp_path):
    """Runs the command in an empty folder, with a hub's cache and settings that are empty too."""
    place, temporary = tmp_path / "place", tmp_path / "temporary"
    place.mkdir()
    temporary.mkdir()
    folders = {
        "HF_HOME": str(tmp_path / "hub"),
        "STEMBRIDGE_CONFIG_DIR": str(tmp_path / "config"),
        "TMPDIR": str(temporary),
    }

    def run(*arguments):
        done = subprocess.run(
            [COMMAND, "bench", *map(str, arguments)],
            env=os.environ | folders,
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert not list(place.iterdir())
        assert not list(temporary.glob("stembridge*"))  # torch leaves a folder of its own
        assert not (tmp_path / "config").exists()  # a few runs are nothing to rely on later
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def test_the_speed_is_at_most_what_the_model_leaves(bench):
    ended = bench("-m", COSTLY, "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    (speed,) = found.values()
    assert (speed["model"], speed["device"]) == ("fake", "cpu")
    assert 0 < speed["bounce"] <= SECONDS / COST
    # A hop lasts as long as a run, whose stems come a run later; both with a quarter more.
    assert speed["live_ms"] >= 2 * 1.25 * 1000 * COST
    assert not speed["calibrated"]
    assert not speed["refusal"]


def test_people_read_one_line(bench):
    ended = bench("-m", COSTLY)
    (line,) = ended.out.splitlines()
    assert line.startswith("this machine, fake: bounce ")
    assert " x real time, live from about " in line
    assert "first session" in ended.err.splitlines()[-1]


def test_a_model_too_slow_for_any_hop_cannot_play(bench):
    ended = bench("-m", "fake:segment=4410,rate=44100,cost=0.3")
    assert ended.status == 0, ended.err
    assert "live not at all, since runs of" in ended.out
    assert "bounce 0." in ended.out


def test_a_model_that_is_not_here_is_said_and_not_fetched(bench):
    refused(bench("-m", "htdemucs"), 5, "htdemucs is not on this machine", "models fetch htdemucs")


def test_auto_without_weights_measures_the_preview_and_says_so(bench):
    ended = bench()
    assert ended.status == 0, ended.err
    assert ended.out.startswith("this machine, spectral: ")
    assert "warning: htdemucs is not on this machine" in ended.err


@pytest.mark.slow
def test_a_network_is_measured_in_each_precision(bench, tmp_path):
    networks.save_network(networks.hybrid_transformer(), tmp_path / "small.safetensors")
    ended = bench("-m", tmp_path / "small.safetensors")
    assert [line.partition(":")[0] for line in ended.out.splitlines()] == [
        "this machine, small exact",
        "this machine, small fast",
    ]
    only = json.loads(
        bench("-m", tmp_path / "small.safetensors", "--precision", "fast", "--json").out
    )
    assert list(only) == ["fast"]


@pytest.mark.slow
def test_what_the_sidecar_measured_gives_the_latency_of_its_sessions(tmp_path_factory):
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "1") as sidecar:
        with StemStream(48_000, 512, COSTLY, connection=sidecar.connection) as stream:
            latency, transport_us = stream.latency, stream.plan.transport_us
        ended = sidecar.run("bench", "-m", COSTLY, "--json")
    (speed,) = json.loads(ended.out).values()
    assert speed["calibrated"]
    # They differ by the way to the sidecar and back, which is measured for each stream.
    granted = 1000 * latency / 48_000 - transport_us / 1000
    assert speed["live_ms"] - 2 == pytest.approx(granted, abs=0.1)
