"""What `stembridge stream` warns of, and in which words and with which status it refuses."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest

from bridge.cli.stream_report import refusals
from bridge.errors import BridgeError, ServerError
from tests.cli.helpers import (
    STEMS,
    bounce,
    decibels,
    manifest,
    music,
    read,
    refused,
    song,
    write,
)
from tests.networks import save_network, time_only
from tests.server.sidecar import COMMAND, Sidecar, is_running, wait_until

WARNING = "stembridge: warning: "


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory):
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "1") as running:
        yield running


@pytest.fixture
def stream(sidecar, tmp_path):
    """Runs `stembridge stream` of a song; results are below `out`."""

    def run(path, *options):
        return sidecar.run("stream", str(path), "-o", str(tmp_path / "out"), *options)

    return run


def warnings(ended):
    return [line.removeprefix(WARNING) for line in ended.err.splitlines() if WARNING in line]


def test_peaks_over_full_scale_are_said_as_a_bounce_says_them(stream, tmp_path):
    hot = write(tmp_path / "hot.wav", music(44_100, level=6.0), subtype="FLOAT")
    ended = stream(hot, "-m", "fake")
    assert ended.status == 0
    drums, bass, *_, lost = warnings(ended)
    said = [
        line.removesuffix(", --clip rescale turns all stems down")
        for line in warnings(bounce(hot, "-m", "fake", "-o", "bounced", cwd=tmp_path))
    ]
    assert drums.startswith("drums peaks 9.5")
    assert {drums, bass} < set(said)
    total = sum(read(tmp_path / "out" / "hot" / f"{name}.wav") for name in STEMS)
    missed = decibels(float(np.abs(total - read(hot)).max()))
    assert lost == (
        f"the null is lost: the stems miss the input by up to {missed:.1f} dBFS where samples "
        "were cut off; --bits 32f keeps it"
    )
    found = manifest(tmp_path / "out" / "hot")
    assert set(warnings(ended)) <= set(found["warnings"])
    over = {stem["name"]: stem["samples_over_full_scale"] for stem in found["stems"]}
    assert f" {over['drums']} samples" in drums


def test_floats_keep_what_is_over_full_scale(stream, tmp_path):
    hot = write(tmp_path / "hot.wav", music(44_100, level=6.0), subtype="FLOAT")
    lines = warnings(stream(hot, "-m", "fake", "--bits", "32f"))
    assert lines
    assert all("32-bit floats keep them" in line for line in lines)


@pytest.mark.slow
def test_losses_in_real_time_are_said(tmp_path_factory, tmp_path):
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "1") as sidecar:
        playing = subprocess.Popen(
            [
                *(COMMAND, "stream", str(song(tmp_path, seconds=12)), "-o", str(tmp_path / "out")),
                *("-m", "fake", "--realtime", "--latency", "1000"),
            ],
            env=sidecar.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: [s.get("state") for s in sidecar.status()["sessions"]] == ["running"])
        worker = sidecar.workers()["fake"]
        os.kill(worker, signal.SIGSTOP)
        time.sleep(3)
        os.kill(worker, signal.SIGCONT)
        time.sleep(1)
        os.kill(worker, signal.SIGKILL)
        out, err = playing.communicate(timeout=60)
        assert not is_running(worker)
    assert playing.returncode == 0
    found = manifest(tmp_path / "out" / "song")
    late = found["live"]["figures"]["late_frames"]
    assert late > 10_000
    (said,) = [line for line in err.splitlines() if "too late" in line]
    assert said.startswith(f"{WARNING}{late} of {12 * 44_100} frames came too late and are the dry")
    assert said.removeprefix(WARNING) in found["warnings"]
    lines = out.splitlines()
    (least,) = [line for line in lines if line.startswith("stems came up to ")]
    assert least.endswith(" ms late")
    assert lines[-1] == "connected again once"


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--latency", "1"), 2, ("smallest possible",)),
        (("-m", "no-such-model"), 5, ("no-such-model",)),
        (("--context", "0.01"), 2, ("always reads the same past", "; leave --context out")),
        (("--context", "0"), 2, ("--context 0.0", "0.001 to 60 s, or leave it out")),
        (("--context", "nan"), 2, ("--context nan",)),
        (("--rate", "0"), 2, ("--rate 0", "8000 to 384000 Hz")),
        (("--latency", "0"), 2, ("--latency 0.0", "ms, or auto")),
    ],
)
def test_what_an_option_or_a_model_is_to_blame_for_has_its_words_and_status(
    stream, tmp_path, options, status, words
):
    refused(stream(song(tmp_path), *options), status, *words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "words"),
    [("59", "or leave --context out for all of it"), ("0.002", "make --context longer, leave it")],
)
def test_a_network_says_which_windows_it_has_in_options(stream, tmp_path, seconds, words):
    save_network(time_only(), tmp_path / "small.safetensors")
    model = str(tmp_path / "small.safetensors")
    refused(stream(song(tmp_path), "-m", model, "--context", seconds), 2, words)


@pytest.mark.parametrize(
    ("code", "status"), [("network", 6), ("load", 10), ("full", 10), ("unheard-of", 10), ("", 10)]
)
def test_other_refusals_have_their_status(code, status):
    with pytest.raises(BridgeError, match="it is so") as raised, refusals():
        raise ServerError("it is so", code)
    assert raised.value.status == status


@pytest.mark.parametrize("command", [("stream", "song.wav"), ("status",)])
def test_what_is_no_connection_file_is_called_so(tmp_path, command):
    song(tmp_path)
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1"}')
    alone = Sidecar(tmp_path)
    for name in ("", str(tmp_path), "/etc/passwd", "/dev/null", str(tmp_path / "package.json")):
        ended = alone.run(*command, "--connection", name)
        refused(ended, 2, f"'{name}' is no connection file", "copy of the connection.json")
