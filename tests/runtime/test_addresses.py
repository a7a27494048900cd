"""Which places to listen only this machine can reach: decided by the number that is bound."""

from __future__ import annotations

import ipaddress
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ServerError, UsageError
from bridge.runtime.addresses import Address, is_local, parse_bind, reachable


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("tcp://127.0.0.1:5555", "127.0.0.1", 5555),
        ("tcp://127.0.0.1:*", "127.0.0.1", 0),
        ("tcp://127.0.0.1:0", "127.0.0.1", 0),
        ("tcp://127.0.0.1", "127.0.0.1", 0),
        ("tcp://localhost:1", "127.0.0.1", 1),
        ("tcp://127.255.255.254:65534", "127.255.255.254", 65534),
        ("tcp://[::1]:5555", "::1", 5555),
        # Ways to write the loopback address that the C library knows.
        ("tcp://127.1:5555", "127.0.0.1", 5555),
        ("tcp://0x7f000001:5555", "127.0.0.1", 5555),
        ("tcp://2130706433:5555", "127.0.0.1", 5555),
        ("tcp://0177.0.0.1:5555", "127.0.0.1", 5555),
    ],
)
def test_what_is_certainly_loopback(text, host, port):
    found = parse_bind(text)
    assert found == Address(host, port)
    assert found.loopback


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("tcp://*:5555", "0.0.0.0"),  # noqa: S104
        ("tcp://0.0.0.0:5555", "0.0.0.0"),  # noqa: S104
        ("tcp://0:5555", "0.0.0.0"),  # noqa: S104
        ("tcp://0x0:5555", "0.0.0.0"),  # noqa: S104
        ("tcp://[::]:5555", "::"),
        ("tcp://[0:0:0:0:0:0:0:0]:5555", "::"),
        ("tcp://192.168.1.5:5555", "192.168.1.5"),
        ("tcp://128.0.0.1:5555", "128.0.0.1"),
        ("tcp://126.255.255.255:5555", "126.255.255.255"),
        ("tcp://0x7e000001:5555", "126.0.0.1"),
        ("tcp://[fe80::1]:5555", "fe80::1"),
    ],
)
def test_what_others_may_reach(text, host):
    found = parse_bind(text)
    assert found is not None
    assert found.host == host
    assert not found.loopback


@given(st.ip_addresses(), st.integers(1, 65534))
def test_every_number_is_what_is_bound_and_loopback_as_the_standard_has_it(address, port):
    written = f"[{address}]" if address.version == 6 else str(address)
    found = parse_bind(f"tcp://{written}:{port}")
    assert found is not None
    assert ipaddress.ip_address(found.host) == address
    assert found.endpoint(1) == f"tcp://{written}:{port + 1}".replace(str(address), found.host)
    mapped = getattr(address, "ipv4_mapped", None)  # Python versions differ on it
    assert mapped or found.loopback == address.is_loopback


def test_ipc_is_no_address():
    assert parse_bind("ipc") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tcp",
        "ipc:///tmp/x",
        "IPC",
        "udp://127.0.0.1:5",
        "127.0.0.1:5555",
        "tcp://",
        "tcp://:5555",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:5555/",
        "tcp://127.0.0.1:5555\n",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:+5",
        "tcp://127.0.0.1:٣",
        "tcp://127.0.0.1:5555;tcp://0.0.0.0:5555",
        "tcp://::1:5555",
        "tcp://[::1:5555",
        "tcp://[]:5555",
    ],
)
def test_what_is_no_place_is_refused_with_its_text(text):
    with pytest.raises(UsageError, match=rf"--bind {re.escape(text)} is no place to listen"):
        parse_bind(text)


@pytest.mark.parametrize("port", [65535, 65536, 99999])
def test_both_ports_have_to_exist(port):
    with pytest.raises(UsageError, match="two ports are needed"):
        parse_bind(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize("host", ["eth0", "lo", "no.such.host.invalid", "a" * 300, "a..b", "\x01"])
def test_names_of_interfaces_and_unknown_ones_are_refused(host, monkeypatch):
    def look_up(*_, **__):  # tests ask no name server
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(ServerError, match=r"is no address of this machine \(.* use a numeric one"):
        parse_bind(f"tcp://{host}:5555")


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("ipc:///run/x", True),
        ("tcp://127.0.0.1:5555", True),
        ("tcp://[::1]:5555", True),
        ("tcp://localhost:5555", False),  # it is not asked what that is
        ("tcp://127.0.0.1.example.org:5555", False),
        ("tcp://192.168.1.5:5555", False),
        ("tcp://[::]:5555", False),
        ("udp://127.0.0.1:5555", False),
    ],
)
def test_what_is_local_to_a_client(endpoint, local):
    assert is_local(endpoint) == local


def test_where_everyone_is_heard_this_machine_connects_to_itself():
    assert reachable("tcp://0.0.0.0:5555") == "tcp://127.0.0.1:5555"
    assert reachable("tcp://[::]:5555") == "tcp://[::1]:5555"
    assert reachable("tcp://10.0.0.0:5555") == "tcp://10.0.0.0:5555"
    assert reachable("ipc:///run/control.ipc") == "ipc:///run/control.ipc"
