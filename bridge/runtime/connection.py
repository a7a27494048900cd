"""The connection file, by which clients find the server.

    RUNTIME/connection.json   {"control": "ipc:///run/user/1000/stembridge/control.ipc",
                               "audio": "ipc:///run/user/1000/stembridge/audio.ipc",
                               "server_key": "", "pid": 4711, "started": 1790000000,
                               "protocol": [1, 0], "version": "0.3.0"}
            server.lock       held by the one server that serves from this folder

`server_key` is the server's public key in hexadecimal, "" where there is no network in between. For
a client on another machine the file is copied there; nothing in it is secret, but whoever could
change it could send the client's audio elsewhere, so that it has to belong to its reader.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from bridge.errors import ServerError
from bridge.runtime.addresses import is_local
from bridge.runtime.folders import user_folder
from bridge.runtime.private import make_private_folder, read_private, write_private

_LIMIT = 4096  # bytes of the file; two paths of sockets and a few numbers have some 500
_NUMBER = 2**53  # what JSON readers of every language keep exact


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client has to know of a server.

    `started` is in seconds since 1970, `protocol` its (major, minor) version. Raises ServerError
    for values that no server writes.
    """

    control: str
    audio: str
    server_key: str
    pid: int
    started: int
    protocol: tuple[int, int]
    version: str

    def __post_init__(self) -> None:
        for name in ("control", "audio"):
            endpoint = getattr(self, name)
            _expect(name, endpoint, _is_text(endpoint, 256) and re.match("(ipc|tcp)://", endpoint))
            if not self.server_key and not is_local(endpoint):
                raise ServerError(
                    f"{name} is {endpoint}, another machine, but there is no server_key; copy the "
                    "connection file of a server that was started with that --bind"
                )
        key = self.server_key
        _expect("server_key", key, _is_text(key, 64) and re.fullmatch("([0-9a-f]{64})?", key))
        for name in ("pid", "started"):
            _expect(name, getattr(self, name), _is_count(getattr(self, name)))
        two = isinstance(self.protocol, tuple) and len(self.protocol) == 2
        _expect("protocol", self.protocol, two and all(map(_is_count, self.protocol)))
        _expect("version", self.version, _is_text(self.version, 64))


def read_connection(path: Path | None = None) -> Connection:
    """What the connection file says: that of the server on this machine, or of a copied `path`.

    Raises ServerError when no server is running here, or the file is damaged or not to be trusted.
    """
    file = path or connection_path()
    try:
        found = _read(file)
    except FileNotFoundError:
        if path is not None:
            raise ServerError(
                f"there is no {path}; copy the server's connection file there"
            ) from None
        raise ServerError("no sidecar is running; start one by `stembridge serve`") from None
    # The process may be another one by now, but asking for the lock keeps a server from it.
    if path is None and not (_is_running(found.pid) and is_served()):
        raise ServerError("no sidecar is running any more; start one by `stembridge serve`")
    return found


def connection_path() -> Path:
    """Where the connection file of the server on this machine is."""
    return user_folder("runtime") / "connection.json"


def is_served() -> bool:
    """Whether a server has the right to the runtime folder now."""
    lock = FileLock(user_folder("runtime").absolute() / "server.lock", blocking=False, mode=0o600)
    try:
        with lock:
            return False
    except Timeout:
        return True
    except OSError:
        return False


class ServingLock:
    """The right to be the one server of the runtime folder, held while the context is open.

    Entering makes the folder private and raises ServerError where another server has the right.
    Leaving removes the connection file.
    """

    def __init__(self) -> None:
        self.folder = user_folder("runtime").absolute()

    def __enter__(self) -> Self:
        make_private_folder(self.folder)
        self._lock = FileLock(self.folder / "server.lock", blocking=False, mode=0o600)
        try:
            self._lock.acquire()
        except Timeout:  # an OSError too
            raise ServerError(
                f"another sidecar{self._whose()} serves from {self.folder} already; stop it by "
                "`stembridge stop`, or set STEMBRIDGE_RUNTIME_DIR to another folder"
            ) from None
        except OSError as error:
            raise ServerError(
                f"{self.folder} cannot be locked: {error.strerror}; set STEMBRIDGE_RUNTIME_DIR "
                "to a folder on a local disk"
            ) from error
        self._file.unlink(missing_ok=True)  # of a server that was killed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, ServerError):  # only what is still ours
            if _read(self._file).pid == os.getpid():
                self._file.unlink()
        self._lock.release()

    def publish(self, connection: Connection) -> None:
        """Write the connection file. Call it when the sockets are bound."""
        content = json.dumps(dataclasses.asdict(connection), indent=2)
        write_private(self._file, content.encode())

    @property
    def _file(self) -> Path:
        return self.folder / "connection.json"

    def _whose(self) -> str:
        with suppress(OSError, ServerError):
            pid = _read(self._file).pid
            return f" (process {pid})" if _is_running(pid) else ""
        return ""  # it is just starting


def _read(path: Path) -> Connection:
    content = read_private(path, _LIMIT, secret=False)
    names = [field.name for field in dataclasses.fields(Connection)]
    try:
        found: Any = json.loads(content)
        values = {name: found[name] for name in names}  # later versions may say more
        values["protocol"] = tuple(values["protocol"])
        return Connection(**values)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ServerError(
            f"{path} is damaged ({type(error).__name__}: {str(error)[:80]}); start the server again"
        ) from None
    except ServerError as error:
        raise ServerError(f"{path}: {error}") from None


def _expect(name: str, value: object, good: object) -> None:
    if not good:
        raise ServerError(
            f"{name} is {str(value)[:80]!r}, not what a server writes; start it again"
        )


def _is_text(value: object, limit: int) -> bool:
    return isinstance(value, str) and len(value) <= limit and value.isprintable()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _NUMBER


def _is_running(pid: int) -> bool:
    if os.name != "posix":  # os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):  # gone, or somebody else's by now
        return False
    return pid > 0
