"""docs/PROTOCOL.md against the code, both ways."""

import json
import re
from pathlib import Path

import msgpack  # type: ignore[import-untyped]
import numpy as np
import pytest

from bridge.protocol import limits, values
from bridge.protocol import messages as wire
from bridge.protocol.codec import decode, encode
from bridge.protocol.codes import Code
from bridge.protocol.fields import VERSION
from bridge.protocol.record import MESSAGES
from bridge.protocol.session import ClientSession, ServerSession
from bridge.protocol.states import Socket, State

TEXT = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text("utf-8")
OURS = {
    name: kind for name, kind in MESSAGES.items() if kind.__module__ == "bridge.protocol.messages"
}
ALIASES = {
    name: alias.__metadata__[0]
    for name, alias in vars(values).items()
    if hasattr(alias, "__metadata__")
}


def section(title):
    """The text below a heading of level 2 or 3, up to the next heading."""
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def rows(text, header):
    """Rows of the table with this header, as lists of cells."""
    lines = iter(text.splitlines())
    for line in lines:
        if line == header:
            next(lines)
            break
    cells = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    return cells


def test_it_has_the_version_of_the_code():
    assert f"Version {VERSION[0]}.{VERSION[1]}." in TEXT


def test_every_message_is_there_and_no_other():
    titles = re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)
    assert sorted(titles) == sorted([*OURS, "SavedPlan"])


@pytest.mark.parametrize("name", [*OURS, "SavedPlan"])
def test_every_field_is_there_with_its_kind_and_no_other(name):
    record = OURS.get(name, wire.SavedPlan)
    found = rows(section(name), "| field | kind | meaning |")
    assert [cells[0] for cells in found] == [f"`{field}`" for field in record.kinds]
    for (_, kind, meaning), field in zip(found, record.kinds, strict=True):
        expected = record.kinds[field]
        assert ALIASES.get(kind, kind) == expected or kind == str(expected), field
        assert ("may be left out" in meaning) == (field in record.defaults), field
        assert meaning.startswith("payload") == (field == getattr(record, "payload", None)), field


@pytest.mark.parametrize("name", OURS)
def test_every_message_goes_the_way_that_is_said(name):
    kind = OURS[name]
    up = {Socket.CONTROL: wire.CONTROL_TO_SERVER, Socket.AUDIO: wire.AUDIO_TO_SERVER}
    down = {Socket.CONTROL: wire.CONTROL_TO_CLIENT, Socket.AUDIO: wire.AUDIO_TO_CLIENT}
    upward = [socket.value for socket, kinds in up.items() if kind in kinds]
    downward = [socket.value for socket, kinds in down.items() if kind in kinds]
    if upward and downward:
        assert upward == downward
    way = "both ways" if upward and downward else "client to server"
    way = way if upward else "server to client"
    sockets = " and ".join(upward or downward)
    assert section(name).startswith(f"{way}, {sockets}."), f"{way}, {sockets}."


def test_every_kind_of_value_is_there_and_no_other():
    found = rows(section("Encoding"), "| kind | value |")
    assert dict(found) == {name: str(kind) for name, kind in ALIASES.items()}


def test_every_code_is_there_and_no_other():
    found = rows(section("Errors"), "| code | meaning | the client |")
    assert [cells[0] for cells in found] == [f"`{code}`" for code in Code]


def test_every_limit_is_there_and_no_other():
    found = rows(section("Limits"), "| limit | value | why |")
    values = {name: str(value) for name, value in vars(limits).items() if name.isupper()}
    assert {cells[0].strip("`"): cells[1] for cells in found} == values


def test_every_state_is_drawn():
    drawing = section("A session").split("```")[1]
    assert all(f" {state.name} " in drawing for state in State)


def example():
    """(by the client, socket, header, samples, frames in hexadecimal) of the exchange."""
    block = section("An example").split("```")[1]
    for line, code in re.findall(r"^(\w\w \{.*)\n((?:   .*\n)+)", block, re.MULTILINE):
        who, rest = line.split(" ", 1)
        header, _, samples = rest.partition(" + ")
        socket = Socket.CONTROL if who[1] == "c" else Socket.AUDIO
        frames = "".join(code.split()).split("+")
        yield who[0] == "C", socket, json.loads(header), samples, frames


def test_the_example_is_a_session_as_the_code_has_it():
    client, server = ClientSession(), ServerSession()
    seen = []
    for by_client, socket, header, samples, frames in example():
        message = decode([bytes.fromhex(frame) for frame in frames])
        assert [bytes(frame).hex() for frame in encode(message)] == frames
        assert msgpack.unpackb(bytes.fromhex(frames[0])) == header
        if samples:
            expected = np.array(json.loads(samples), "<f4").tobytes()
            assert bytes.fromhex(frames[1]) == expected
        seen.append(client.state)
        if by_client:
            client.send(socket, message, 0)
            assert server.receive(socket, message, 0)
        elif isinstance(message, wire.Bye):
            assert client.state is server.state is State.OFFLINE
        else:
            assert server.send(socket, message, 0)
            assert client.receive(socket, message, 0)
    assert set(seen) == set(State) - {State.LOST}
    assert len(seen) == len(re.findall(r"^[CS][ac] \{", TEXT, re.MULTILINE))
