"""CURVE keys: those of this machine, and those of the clients that may come in over a network.

    CONFIG/keys/server.secret      made when a server first needs it
                client.secret      made when a client first needs it
                allowed/KEY        one file for each client: its name is the public key in
                                   hexadecimal, its content the name that the user gave it

A key is 32 bytes; as text it is 64 hexadecimal digits, which no shell takes for anything else. (The
Z85 of ZeroMQ has characters that every shell does.) One file a key makes the question whether a key
is allowed one look, always current: removing a key needs no word to a running server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import ServerError, UsageError
from bridge.runtime.folders import user_folder
from bridge.runtime.private import make_private_folder, read_private, write_private_once

_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LIMIT = 128  # bytes of a file; a key has 65, a name up to 65, with their ends of line


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair: 32 bytes each."""

    public: bytes
    secret: bytes = field(repr=False)


def server_keys() -> KeyPair:
    """The key pair of the server on this machine, made now if there is none."""
    return _own("server")


def client_keys() -> KeyPair:
    """The key pair of the clients on this machine, made now if there is none."""
    return _own("client")


def own_public_key(role: str) -> str:
    """The public key of the "server" or the "client" as text; "" if none was made yet."""
    try:
        return _read_pair(_folder() / f"{role}.secret").public.hex()
    except FileNotFoundError:
        return ""


def parse_key(text: str) -> bytes:
    """The 32 bytes of a public key that a user typed. Raises UsageError."""
    if not _KEY.fullmatch(text.strip().lower()):
        raise UsageError(
            f"'{text[:80]}' is not a key; copy the 64 digits that `stembridge keys new` prints"
        )
    return bytes.fromhex(text.strip())


def check_name(name: str) -> str:
    """The name as it is, if a key may have it. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name[:80]}' is not a name for a key; use up to 64 letters, digits, '.', '_', '-'"
        )
    return name


def allow(name: str, key: bytes) -> None:
    """Let the client with this public key in from now on.

    Raises UsageError when the name cannot be one, or when it or the key is in use already.
    """
    check_name(name)
    known = allowed()
    if known.get(name) == key:
        return
    if name in known:
        raise UsageError(f"{name} has another key; `stembridge keys remove {name}` first")
    make_private_folder(_folder())
    make_private_folder(_allowed_folder())
    if not write_private_once(_allowed_folder() / key.hex(), f"{name}\n".encode()):
        raise UsageError(f"this key is allowed already, as {_name_of(key)}; remove that first")


def remove(name: str) -> None:
    """Let the client of this name in no more. Connections that it has stay.

    Raises UsageError when there is no such name.
    """
    key = allowed().get(name)
    if key is None:
        raise UsageError(f"no key is named '{name[:80]}'; `stembridge keys list` shows all")
    (_allowed_folder() / key.hex()).unlink(missing_ok=True)


def allowed() -> dict[str, bytes]:
    """Public keys of all clients that may come in, by name.

    Raises ServerError if another user could have changed them.
    """
    try:
        found = [path.name for path in _allowed_folder().iterdir() if _KEY.fullmatch(path.name)]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ServerError(f"{_allowed_folder()}: {error.strerror}; see to its owner") from error
    make_private_folder(_allowed_folder())
    keys = [bytes.fromhex(name) for name in sorted(found)]
    return dict(sorted((_name_of(key), key) for key in keys))


def is_allowed(key: bytes) -> bool:
    """Whether the client with this public key may come in. False when in doubt; never raises."""
    try:
        return bool(_name_of(key))
    except (OSError, ServerError):
        return False


def _name_of(key: bytes) -> str:
    path = _allowed_folder() / key.hex()
    name = read_private(path, _LIMIT, secret=False).decode("ascii", "replace").strip()
    if not _NAME.fullmatch(name):
        raise ServerError(f"{path} holds no name; remove it, and allow the key again")
    return name


def _own(role: str) -> KeyPair:
    import zmq
    from zmq.utils import z85

    path = _folder() / f"{role}.secret"
    make_private_folder(_folder())
    if not path.exists():
        secret = z85.decode(zmq.curve_keypair()[1])
        write_private_once(path, f"{secret.hex()}\n".encode())  # another process may be first
    return _read_pair(path)


def _read_pair(path: Path) -> KeyPair:
    import zmq
    from zmq.utils import z85

    text = read_private(path, _LIMIT, secret=True).decode("ascii", "replace").strip()
    if not _KEY.fullmatch(text):
        raise ServerError(f"{path} holds no key; remove it, and a new one is made")
    secret = bytes.fromhex(text)
    return KeyPair(z85.decode(zmq.curve_public(z85.encode(secret))), secret)


def _folder() -> Path:
    return user_folder("config") / "keys"


def _allowed_folder() -> Path:
    return _folder() / "allowed"
