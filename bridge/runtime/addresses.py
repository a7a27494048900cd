"""Where a server may listen, and which of these places only this machine can reach.

What decides is always the numeric address that is then bound: `localhost`, `127.1` and `0x7f000001`
are whatever the system makes of them, and no name is asked twice.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, ip_address

from bridge.errors import ServerError, UsageError

_TCP = re.compile(r"tcp://(?:\[([^\[\]]+)\]|([^:/\[\]]+))(?::(\*|[0-9]{1,5}))?")
_LOOPBACK = IPv4Network("127.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric address of this machine, and the first of the two ports; 0 for any free ones."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether it is certain that only this machine can reach it."""
        found = ip_address(self.host)
        return found.is_loopback if isinstance(found, IPv6Address) else found in _LOOPBACK

    def endpoint(self, offset: int) -> str:
        """What to bind for the socket `offset` ports after the first."""
        return f"tcp://{_bracketed(self.host)}:{self.port + offset if self.port else '*'}"


def parse_bind(text: str) -> Address | None:
    """Where `--bind` says to listen; None for `ipc`, which is a file in the runtime folder.

    Raises UsageError for what is no address, and ServerError when a name cannot be looked up.
    """
    if text == "ipc":
        return None
    match = _TCP.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--bind {text[:80]} is no place to listen; use ipc, tcp://127.0.0.1:PORT or "
            "tcp://ADDRESS:PORT, where PORT may be *"
        )
    bracketed, plain, port = match.groups()
    number = 0 if port in (None, "*") else int(port)
    if number > 65534:
        raise UsageError(f"--bind {text}: two ports are needed; use a port of at most 65534")
    return Address(_numeric(bracketed or plain), number)


def is_local(endpoint: str) -> bool:
    """Whether certainly no other machine is at the other end of `endpoint`. Looks up nothing."""
    if endpoint.startswith("ipc://"):
        return True
    match = _TCP.fullmatch(endpoint)
    try:
        return match is not None and Address(match[1] or match[2], 0).loopback
    except ValueError:  # a name
        return False


def reachable(endpoint: str) -> str:
    """How a client on this machine reaches what is bound to `endpoint`."""
    return endpoint.replace("tcp://0.0.0.0:", "tcp://127.0.0.1:").replace(
        "tcp://[::]:", "tcp://[::1]:"
    )


def _numeric(host: str) -> str:
    if host == "*":
        return "0.0.0.0"  # noqa: S104  # what it means; it is refused without keys
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServerError(
            f"--bind: '{host[:80]}' is no address of this machine ({error}); use a numeric one"
        ) from error
    # IPv4 first: for `localhost` it is what clients of every kind try.
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
