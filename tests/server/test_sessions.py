"""Sessions beside each other: all that fit play undisturbed, others are refused in words."""

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import ServerError
from bridge.protocol.codes import Code
from bridge.protocol.messages import Error, Hello
from bridge.protocol.states import Socket
from bridge.runtime.server_control import SESSIONS
from tests.networks import save_network, time_only
from tests.server import hosting
from tests.server.playing import BLOCK, RATE, blocks, check, expected, noise, opened
from tests.server.raw import Raw, configuring

SHORT = "fake:segment=4096"
COSTLY = "fake:cost=0.02,segment=80000"
COST_US = 25_000


def refusal(sidecar, model, **options):
    """What the server says to who asks for this; it has to go on serving."""
    with pytest.raises(ServerError) as refused:
        opened(sidecar, model, **options)
    sidecar.wait_for_sessions(0)
    return str(refused.value)


def test_two_clients_in_one_process_and_two_models_side_by_side(sidecar):
    models = (SHORT, "spectral", SHORT, "spectral")
    signals = [noise(24_000, seed=seed) for seed in range(len(models))]
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(sidecar, model)) for model in models]
        sidecar.wait_for_sessions(len(models))
        out: list[list[Any]] = [[] for _ in streams]
        for turn in zip(*(blocks(signal, BLOCK) for signal in signals), strict=True):
            for stream, parts, block in zip(streams, out, turn, strict=True):
                parts.append(stream.process(block))
        for stream, parts, signal in zip(streams, out, signals, strict=True):
            stems = np.concatenate([*parts, stream.drain()], axis=-1)[..., stream.latency :]
            check(stream, stems, signal, expected(stream, signal, RATE), 1e-6)
    sidecar.wait_for_sessions(0)


@pytest.mark.slow
def test_sixteen_sessions_play_in_real_time(own_sidecar):
    for model in (SHORT, "spectral"):  # on a busy machine runs seem too long for so many
        hosting.opened(own_sidecar, model, 3000).close()
    models = 13 * [SHORT] + 3 * ["spectral"]
    signals = [noise(7 * RATE, seed=seed) for seed in range(16)]
    with ExitStack() as stack:
        streams = [
            stack.enter_context(opened(own_sidecar, model, 4000, realtime=True)) for model in models
        ]
        out: list[list[Any]] = [[] for _ in streams]
        began = time.monotonic()
        for number, turn in enumerate(
            zip(*(blocks(signal, BLOCK) for signal in signals), strict=True), 1
        ):
            time.sleep(max(0, began + number * BLOCK / RATE - time.monotonic()))
            for stream, parts, block in zip(streams, out, turn, strict=True):
                parts.append(stream.process(block))
        for stream, parts, signal in zip(streams, out, signals, strict=True):
            stems = np.concatenate([*parts, stream.drain()], axis=-1)[..., stream.latency :]
            check(stream, stems, signal, expected(stream, signal, RATE), 1e-6)
        slack = min(stream.stats()["slack_us"]["min"] for stream in streams)
        print(f"stems came at least {slack / 1000:.0f} ms early")  # noqa: T201 - for pytest -rP


def test_a_session_too_many_is_refused_with_numbers_and_a_way_out(own_sidecar):
    with ExitStack() as stack:
        first = hosting.opened(own_sidecar, COSTLY, COST_US, latency=1500)
        stack.enter_context(first)
        second = stack.enter_context(opened(own_sidecar, COSTLY, "auto"))  # need not be in time
        smallest = 1000 * second.latency / RATE
        with pytest.raises(ServerError) as refused:
            second.reconfigure(realtime=True)
        said = r"1 session already uses \d+ % of this worker, and this one needs \d+ %, .* longer"
        assert re.search(said, str(refused.value)), refused.value
        with pytest.raises(ServerError) as refused:
            second.reconfigure(realtime=True, latency=smallest + 20)
        said = r"may take [\d.]+ ms .* has [\d.]+ ms; ask for a latency at least \d+ ms longer"
        assert re.search(said, str(refused.value)), refused.value
        assert first.connected
    with opened(own_sidecar, COSTLY, "auto", realtime=True):
        pass


def test_what_a_refusal_advises_is_enough(own_sidecar):
    with (
        hosting.opened(own_sidecar, COSTLY, COST_US, latency=1500),
        opened(own_sidecar, COSTLY, "auto") as second,
    ):
        for latency in ("auto", 1000 * second.latency / RATE + 20):
            with pytest.raises(ServerError) as refused:
                second.reconfigure(realtime=True, latency=latency)
            advised = re.search(r"; (\d+) ms would be enough", str(refused.value))
            assert advised, refused.value
            second.reconfigure(realtime=True, latency=int(advised[1]))
            second.reconfigure(realtime=False)


def test_models_that_cannot_be_had(sidecar):
    assert "no model is called 'htdemuc'; did you mean 'htdemucs'?" in refusal(sidecar, "htdemuc")
    assert "stembridge models fetch htdemucs_ft" in refusal(sidecar, "htdemucs_ft")
    assert "no such model file; check the path" in refusal(sidecar, "/nowhere/x.safetensors")
    assert "no such model folder" in refusal(sidecar, "/nowhere/bag")
    assert "write fake:cost=0.1" in refusal(sidecar, "fake:loud")
    assert "no setting 'colour'" in refusal(sidecar, "fake:colour=1")
    assert "out of range" in refusal(sidecar, "fake:cost=-1")


def test_what_lies_in_the_servers_folder_is_no_model(sidecar):
    """It was started in this one; who says a bare name, such as a project, means no file."""
    assert Path("tests/tiny/weights").is_dir()
    for model in ("tests", "tests/tiny/weights"):
        assert f"no model is called '{model}'" in refusal(sidecar, model)


@pytest.mark.slow
def test_damaged_weights(sidecar, tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_network(time_only(), whole)
    content = whole.read_bytes()
    for name, damaged in {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "noise": np.random.default_rng(0).bytes(5000),
        "long": (2**62).to_bytes(8, "little") + content[8:],
    }.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(damaged)
        assert str(path) in refusal(sidecar, str(path))


def test_refusals_have_codes_of_the_protocol(sidecar):
    with Raw(sidecar.connection) as client:
        token = client.greet()
        wishes: list[tuple[dict[str, Any], Code]] = [
            ({"model": "htdemuc"}, Code.MODEL),
            ({"model": "fake:colour=1"}, Code.MODEL),
            ({"latency_us": 1000}, Code.LATENCY),
            ({"context": 1 << 20}, Code.PLAN),
            ({"rate": 383_999, "model": "fake:rate=44100"}, Code.PLAN),
        ]
        for request, (wish, code) in enumerate(wishes, 1):
            client.send(Socket.CONTROL, configuring(token, request, **wish))
            answer = client.receive(Socket.CONTROL, Error)
            assert (answer.code, answer.request) == (code, request), answer


@pytest.mark.slow
def test_more_sessions_than_there_may_be(own_sidecar):
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(own_sidecar.connection)) for _ in range(SESSIONS + 1)]
        for number, client in enumerate(clients[:-1]):
            client.greet()
            for earlier in clients[:number]:
                earlier.stay()
        clients[-1].send(Socket.CONTROL, Hello((1, 0), "one too many"))
        answer = clients[-1].receive(Socket.CONTROL, Error)
        assert answer.code == Code.FULL
        assert f"{SESSIONS} sessions are open" in answer.text
        for client in clients[:-1]:
            client.stay()
        with pytest.raises(ServerError, match=f"{SESSIONS} sessions are open"):
            opened(own_sidecar, SHORT)
    own_sidecar.wait_for_sessions(0)  # nobody said goodbye
    with opened(own_sidecar, SHORT):
        pass


def test_draining_ends_where_the_server_has_left_out_what_came_too_fast(sidecar):
    signal = noise(10 * RATE)
    with opened(sidecar, "spectral", realtime=True) as stream:
        for block in blocks(signal, BLOCK):  # at no pace, so that most of it comes too late
            stream.process(block)
        began = time.monotonic()
        rest = stream.drain()
        assert time.monotonic() - began < 60
        assert rest.shape == (4, 2, stream.latency)
        assert stream.late_frames > 0
