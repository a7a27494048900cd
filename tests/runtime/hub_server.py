"""A hub on the loopback device that speaks as much of the protocol as huggingface-hub asks for."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from bridge.engine.catalog import find

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SIGNATURES = ("aaaaaaa1", "bbbbbbb2")
WEIGHTS = {sig: bytes([number]) * 1_048_576 for number, sig in enumerate(SIGNATURES)}
_PATH = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_STEP = 65_536


def bag_text(signatures: tuple[str, ...] = SIGNATURES) -> str:
    return f"models: {list(signatures)}\n"


def model_files(name: str, signatures: tuple[str, ...] = SIGNATURES) -> dict[str, bytes]:
    weights = {f"{sig}.safetensors": WEIGHTS[sig] for sig in signatures}
    return {f"{name}.yaml": bag_text(signatures).encode(), **weights}


def put_in_cache(home: Path, name: str, files: dict[str, bytes]) -> Path:
    """Lay files out as huggingface-hub does and return their folder."""
    repo = home / "hub" / f"models--{find(name).repo.replace('/', '--')}"
    folder = repo / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


@dataclass
class Behaviour:
    """What the server does other than answering as it should."""

    silent: bool = False
    status: int = 0
    error_code: str = ""
    commit: str | None = COMMIT
    hold_at: int = 0  # bytes of the body after which it waits for `go_on`
    drop_once_at: int = 0  # bytes of the body after which it closes the connection, once
    pause: float = 0.0  # seconds between steps of 64 KiB
    damage: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)


class HubServer:
    """Serves `files[repo][file]`; `requests` holds (method, file, range) of all that came."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.does = Behaviour()
        self.requests: list[tuple[str, str, str]] = []
        self.server = _Server(self)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.does.go_on.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def offer(self, name: str, files: dict[str, bytes] | None = None) -> None:
        self.files[find(name).repo] = model_files(name) if files is None else files

    def fetched(self) -> list[str]:
        return [file for method, file, _ in self.requests if method == "GET"]


def use_hub(
    patch: pytest.MonkeyPatch, home: Path, *, host: str = "127.0.0.1:9", offline: bool = False
) -> None:
    """Point huggingface-hub, here and in child processes, at a cache of its own and at `host`."""
    from huggingface_hub import constants

    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_OFFLINE"):
        patch.delenv(variable, raising=False)
    patch.setenv("HF_HOME", str(home))
    patch.setenv("HF_ENDPOINT", f"http://{host}")
    patch.setenv("HF_HUB_OFFLINE", str(int(offline)))
    patch.setenv("NO_PROXY", "127.0.0.1")
    patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    patch.setattr(constants, "ENDPOINT", f"http://{host}")
    patch.setattr(constants, "HF_HUB_OFFLINE", offline)


def helpers_of(pid: int) -> list[int]:
    """Processes of `hub_child` that are children of `pid`, ended ones included."""
    found: list[int] = []
    if sys.platform != "linux":  # nowhere to look
        return found
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since
            found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if _is_helper(child)]


def _is_helper(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"hub_child" in command or not command


def without_network() -> list[str]:
    """The command that runs another one where no network is; skips the test if there is none."""
    for command in (["unshare", "-n"], ["unshare", "-rn"]):
        try:
            done = subprocess.run([*command, "true"], capture_output=True, check=False)
        except FileNotFoundError:
            break
        if done.returncode == 0:
            return command
    pytest.skip("needs unshare and the right to make a network namespace (Linux)")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> HubServer:
        assert isinstance(self.server, _Server)
        return self.server.hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        match = _PATH.fullmatch(self.path)
        ranged = self.headers.get("Range", "")
        self.hub.requests.append((self.command, match["file"] if match else self.path, ranged))
        if self.hub.does.silent:
            self.hub.does.go_on.wait()
            self.close_connection = True
            return
        repo = self.hub.files.get(match["repo"]) if match else None
        if self.hub.does.status:
            self.head(self.hub.does.status, {"X-Error-Code": self.hub.does.error_code})
        elif match is None or repo is None:
            self.head(401, {"X-Error-Code": "RepoNotFound"})
        elif match["file"] not in repo:
            self.head(404, {"X-Error-Code": "EntryNotFound"})
        else:
            self.file(repo[match["file"]], ranged, body=body)

    def head(self, status: int, headers: dict[str, Any]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": 0, **headers}.items():
            self.send_header(key, str(value))
        if self.hub.does.commit:
            self.send_header("X-Repo-Commit", self.hub.does.commit)
        self.end_headers()

    def file(self, content: bytes, ranged: str, *, body: bool) -> None:
        start = int(ranged.removeprefix("bytes=").rstrip("-")) if ranged else 0
        headers: dict[str, Any] = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Content-Length": len(content) - start,
        }
        if ranged:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.head(206 if ranged else 200, headers)
        if body:
            try:
                self.send(bytearray(content), start)
            except ConnectionError:  # the client has gone, as some tests want
                self.close_connection = True

    def send(self, content: bytearray, start: int) -> None:
        if self.hub.does.damage and len(content) > _STEP:
            content[-1] ^= 1
        for at in range(start, len(content), _STEP):
            if 0 < self.hub.does.hold_at <= at:
                self.hub.does.go_on.wait()
            if 0 < self.hub.does.drop_once_at <= at:
                self.hub.does.drop_once_at = 0
                self.close_connection = True
                return
            self.wfile.write(content[at : at + _STEP])
            if self.hub.does.pause:
                threading.Event().wait(self.hub.does.pause)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: HubServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
